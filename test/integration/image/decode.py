#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads image files with pycriu, prints them as JSON, and writes them again with pycriu.

Usage: decode.py INPUT-FOLDER OUTPUT-FOLDER

Prints one object: file name to what pycriu.images.load() makes of it, integers as strings, since
JSON's numbers do not hold 64 bits in every reader, bytes as base64. A file that
pycriu can read but not write is left out of the output folder and named on stderr.
"""

import json
import os
import sys

import pycriu.images
from pycriu.images import pb2dict


def exact(value):
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return {key: exact(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [exact(inner) for inner in value]
    return value


def main():
    source, target = sys.argv[1:]
    # Names of unix sockets come out as quoted-printable, which loses the length of line ends.
    pb2dict.encode["unix_name"] = pb2dict.encode_base64
    pb2dict.decode["unix_name"] = pb2dict.decode_base64
    result = {}
    for name in sorted(os.listdir(source)):
        with open(os.path.join(source, name), "rb") as file:
            image = pycriu.images.load(file)
        result[name] = exact(image)
        path = os.path.join(target, name)
        try:
            with open(path, "wb") as file:
                pycriu.images.dump(image, file)
        except TypeError as error:
            os.unlink(path)
            print("cannot write {}: {}".format(name, error), file=sys.stderr)
    json.dump(result, sys.stdout)


main()

"""Reads every record of EVTX files with one of two Python libraries and prints
how many there were: read_evtx.py python-evtx|evtx FILE..."""

import sys


def python_evtx(path):
    from Evtx.Evtx import Evtx

    with Evtx(path) as log:
        for record in log.records():
            record.xml()
            yield record


def evtx(path):
    from evtx import PyEvtxParser

    return PyEvtxParser(path, number_of_threads=1).records_json()


def count(records):
    n = 0
    try:
        for _ in records:
            n += 1
    except Exception:  # damage ends a file for these readers; what was read counts
        pass
    return n


read = {"python-evtx": python_evtx, "evtx": evtx}[sys.argv[1]]
print(sum(count(read(path)) for path in sys.argv[2:]))

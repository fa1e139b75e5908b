package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tocsin/intel"
	"tocsin/telemetry/evtx"
)

const (
	// chunkRepeats makes the joined log long enough (160 MB, 68,000 records)
	// for starting a program to weigh nothing.
	chunkRepeats = 10
	// slowFiles is how many of the smallest samples the slowest reader is
	// measured on: at milliseconds a record the whole log would take minutes.
	slowFiles = 20
)

// binaryLogs compares readers of EVTX on one log of all attack samples. The
// others also write JSON or XML, since none offers less; ours makes the record
// that rules are asked of.
func (b *bench) binaryLogs(ctx context.Context, _ *stream) (*report, error) {
	files, err := samples(b.data, "evtx-attack-samples", ".evtx")
	if err != nil {
		return nil, err
	}
	log, err := b.joined("all.evtx", files, chunkRepeats)
	if err != nil {
		return nil, err
	}
	small, err := b.joined("small.evtx", smallest(files, slowFiles), 1)
	if err != nil {
		return nil, err
	}
	var records, few int
	python, script := b.peer("venv/bin/python"), "read_evtx.py"
	medians, err := race(ctx, b.rounds, []contender{
		{"evtx_dump", process(b.peer("bin/evtx_dump"), "-t", "1", "-o", "jsonl", log)},
		{"telemetry/evtx", here(func() error { records, err = readLog(log); return err })},
		{"Python evtx", process(python, script, "evtx", log)},
	})
	if err != nil {
		return nil, err
	}
	slow, err := race(ctx, 1, []contender{
		{"python-evtx", process(python, script, "python-evtx", small)},
		{"count", here(func() error { few, err = readLog(small); return err })},
	})
	if err != nil {
		return nil, err
	}
	if said, err := strconv.Atoi(medians[2].output); err != nil || said != records {
		return nil, fmt.Errorf("evtx for Python read %q records, we %d", medians[2].output, records)
	}
	r := &report{title: "Windows event logs (EVTX)", unit: "record", lines: []line{
		{"evtx_dump -t 1 -o jsonl (Rust)", medians[0], float64(records), ""},
		{"telemetry/evtx, one goroutine", medians[1], float64(records), fmt.Sprintf("%d records", records)},
		{"evtx for Python (Rust inside), records_json", medians[2], float64(records), ""},
		{"python-evtx, xml", slow[0], float64(few), fmt.Sprintf("%d records", few)},
	}}
	r.goals = []goal{
		{text: "EVTX, µs of CPU a record", got: r.lines[1].each(), limit: 5},
		{text: "against evtx_dump", got: r.lines[1].each() / r.lines[0].each(), limit: 1},
	}
	return r, nil
}

func (b *bench) joined(name string, files []string, repeats int) (string, error) {
	log, err := joinEVTX(files, repeats)
	if err != nil {
		return "", err
	}
	path := filepath.Join(b.work, name)
	return path, os.WriteFile(path, log, 0o600)
}

// smallest returns the n smallest of the files that hold a chunk at all.
func smallest(files []string, n int) []string {
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b string) int {
		if difference := size(a) - size(b); difference != 0 {
			return int(difference)
		}
		return strings.Compare(a, b)
	})
	return sorted[:min(n, len(sorted))]
}

// readLog decodes every record of a log as a watch does and counts them.
func readLog(path string) (records int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	reader, err := evtx.NewReader(f)
	if err != nil {
		return 0, err
	}
	decoder := evtx.NewDecoder(intel.NewNames(nil))
	var rec intel.Record
	var chunk []byte
	for {
		var offset int64
		chunk, offset, err = reader.Next(chunk)
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		decoder.Reset(chunk, offset)
		for {
			if _, ok := decoder.Next(&rec); !ok {
				break
			}
			records++
		}
	}
}

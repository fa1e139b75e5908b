package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tocsin/internal/output"
	"tocsin/node"
)

// reportFile is a report that appears under its name only when it is whole. It
// is opened before the watch begins: a folder that cannot be written to should
// not show only after an hour of reading.
type reportFile struct {
	path string
	file *os.File
}

func openReport(path string) (*reportFile, error) {
	if path == "" {
		return &reportFile{}, nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".report-")
	if err != nil {
		return nil, fmt.Errorf("--report: %w", err)
	}
	return &reportFile{path: path, file: f}, nil
}

func (r *reportFile) write(o *output.Overview, s *node.Summary, also []string) error {
	if r.file == nil {
		return nil
	}
	config := output.ReportConfig{Program: programName(), Made: time.Now().UTC(), Also: also}
	err := errors.Join(output.WriteReport(r.file, o, s, config), r.file.Chmod(0o644), r.file.Close())
	if err == nil {
		err = os.Rename(r.file.Name(), r.path)
	}
	if err != nil {
		return fmt.Errorf("--report %s: %w", r.path, err)
	}
	r.file = nil
	return nil
}

// discard takes away what was not finished.
func (r *reportFile) discard() {
	if r.file != nil {
		_ = r.file.Close()
		_ = os.Remove(r.file.Name())
	}
}

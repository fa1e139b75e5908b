package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"tocsin/exchange/csaf"
	"tocsin/internal/output"
)

// csafCmd is the verbs of security advisories. They need no node.
type csafCmd struct {
	Validate csafValidateCmd `cmd:"" help:"Say which tests of CSAF 2.0 and 2.1 advisories fail, and where."`
}

type csafValidateCmd struct {
	Paths   []string `arg:"" name:"file" help:"Files of advisories, also gzipped; or folders of *.json."`
	Network bool     `help:"Also run the two tests that ask whether addresses in a file answer (6.3.6, 6.3.7): goes out to them."`
	Format  string   `help:"text, or json: one object a file." enum:"text,json" default:"text"`
}

// csafResult is what --format json prints of a file.
type csafResult struct {
	File     string            `json:"file"`
	Valid    bool              `json:"valid"`
	Failed   []string          `json:"failed"`
	Messages []csaf.Message    `json:"messages"`
	Unsaid   int               `json:"unsaid,omitempty"`
	Skipped  map[string]string `json:"skipped,omitempty"`
}

// Run checks each file by itself; one that cannot be read as an advisory at all is one
// of the invalid.
func (v *csafValidateCmd) Run(ctx context.Context, c *console) error {
	files, err := stixFiles(v.Paths)
	if err != nil {
		return err
	}
	invalid := 0
	encoder := json.NewEncoder(c.out)
	for _, file := range files {
		result, err := v.file(ctx, file)
		if err != nil {
			return err
		}
		if !result.Valid {
			invalid++
		}
		if v.Format == "json" {
			err = encoder.Encode(result)
		} else {
			err = result.print(c)
		}
		if err != nil {
			return err
		}
	}
	if invalid > 0 {
		return fmt.Errorf("%s of %d not valid", output.Count(invalid, "file", "files"), len(files))
	}
	return nil
}

func (v *csafValidateCmd) file(ctx context.Context, path string) (*csafResult, error) {
	text, err := packedText(path, csaf.MaxSize)
	if err != nil {
		return nil, err
	}
	result := &csafResult{File: path, Failed: []string{}, Messages: []csaf.Message{}}
	var o csaf.Options
	if v.Network {
		o.Resolves = resolves
	}
	report, err := csaf.Validate(ctx, text, o)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		result.Failed = append(result.Failed, csaf.Schema)
		result.Messages = append(result.Messages, csaf.Message{Test: csaf.Schema, Level: csaf.Error, Reason: err.Error()})
		return result, nil
	}
	result.Valid, result.Failed, result.Unsaid, result.Skipped = report.Valid, report.Failed, report.Unsaid, report.Skipped
	result.Messages = append(result.Messages, report.Messages...)
	return result, nil
}

func (r *csafResult) print(c *console) error {
	out := &page{out: c.out}
	for _, m := range r.Messages {
		where := r.File
		if m.Path != "" {
			where += ": " + m.Path
		}
		out.line("%s: %s %s: %s", where, m.Level, m.Test, m.Reason)
	}
	if r.Unsaid > 0 {
		out.line("%s: and %d more", r.File, r.Unsaid)
	}
	if r.Valid {
		out.line("%s: valid", r.File)
	}
	return out.err
}

// resolves asks an address for its status. Redirections are an answer and not followed.
func resolves(ctx context.Context, url string) bool {
	const patience = 10 * time.Second // for one address; more would hold up a folder of files
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	_, _ = io.CopyN(io.Discard, answer.Body, 1)
	_ = answer.Body.Close()
	return answer.StatusCode >= http.StatusOK && answer.StatusCode < http.StatusBadRequest
}

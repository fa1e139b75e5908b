package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"tocsin/internal/output"
	"tocsin/memory"
	"tocsin/node"
)

type huntCmd struct {
	Terms []string `arg:"" optional:"" name:"term" help:"What to look for: an address, range, domain, URL, hash, file name, path …, defanged or not; with its kind before it where it does not show: mutex:NAME, service:NAME."`
	File  []string `short:"f" help:"File of questions: terms one a line, a report in text, a STIX bundle, Sigma rules; '-' is standard input; repeatable." placeholder:"FILE" sep:"none"`

	Since    moment `help:"Only what was seen from then on: RFC 3339, a date, or how long ago (24h, 30d)." placeholder:"TIME"`
	Until    moment `help:"Only what was seen before then." placeholder:"TIME"`
	Examples int    `help:"How many events to show for each question that was seen." default:"3"`
	Format   string `help:"table or jsonl." enum:"table,jsonl" default:"table"`
	asking
}

// Run asks the memory.
func (h *huntCmd) Run(ctx context.Context, c *console) error {
	questions, left, err := h.questions(c.in)
	if err != nil {
		return err
	}
	asked := node.Hunt{Questions: questions, Since: h.Since.Time, Until: h.Until.Time, Examples: h.Examples}
	bar := startProgress(ctx, c.err, isTerminal(c.err) && h.Node == "")
	asked.Progress = func(done, total int) { bar.tell(node.Progress{Done: uint64(done), Total: uint64(total)}) }
	told, err := h.ask(ctx, c, asked)
	bar.stop()
	if err != nil {
		return err
	}
	for _, note := range append(left, told.Partial...) {
		fmt.Fprintln(c.err, "tocsin:", output.Plain(note))
	}
	write := output.WriteAnswersJSONL
	if h.Format == "table" {
		write = func(w io.Writer, answers []memory.Answer) error {
			return output.WriteAnswers(w, answers, terminal(c.out))
		}
	}
	if err := write(c.out, told.Answers); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted: the answers rest on what was gone through until then")
	}
	return nil
}

// questions reads what is asked, in the order it is asked.
func (h *huntCmd) questions(in io.Reader) (questions []memory.Question, left []string, err error) {
	if len(h.Terms)+len(h.File) == 0 {
		return nil, nil, usageError{errors.New("nothing is asked: give a term, or a file of them by -f")}
	}
	for _, term := range h.Terms {
		q, err := node.Term(term)
		if err != nil {
			return nil, nil, usageError{err}
		}
		questions = append(questions, q)
	}
	for _, name := range h.File {
		content, err := readQuestions(in, name)
		if err != nil {
			return nil, nil, err
		}
		more, notes, err := node.Questions(name, content)
		if err != nil {
			return nil, nil, err
		}
		questions, left = append(questions, more...), append(left, notes...)
	}
	return questions, left, nil
}

// questionBytes bounds a file of questions: a million terms take some 40 MB.
const questionBytes = 256 << 20

func readQuestions(in io.Reader, name string) ([]byte, error) {
	from := in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("questions: %w", err)
		}
		defer file.Close()
		from = file
	}
	content, err := io.ReadAll(io.LimitReader(from, questionBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("questions: %w", err)
	case len(content) > questionBytes:
		return nil, fmt.Errorf("questions: %s has more than %d MB: ask in parts", name, questionBytes>>20)
	}
	return content, nil
}

// ask asks the data directory, or a running node.
func (h *huntCmd) ask(ctx context.Context, c *console, asked node.Hunt) (told node.Hunted, err error) {
	there, err := h.client()
	if err != nil {
		return told, err
	}
	if there != nil {
		err = there.Post(ctx, "/api/v1/hunt", asked, &told)
		return told, err
	}
	err = c.while(ctx, func(ctx context.Context, n *node.Node) (err error) {
		told, err = n.Hunt(ctx, asked)
		return err
	})
	return told, err
}

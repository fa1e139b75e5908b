package archive

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// columnData is a column of a row group: the values of all rows, as text.
type columnData struct {
	text  []byte
	at    []span // by row; an empty one where the row has none
	words []span // of the dictionary, which all pages share
}

// of returns a row's value.
func (c *columnData) of(row int) []byte { return c.at[row].of(c.text) }

// listData is a column of lists.
type listData struct {
	columnData         // by value, of all rows one after the other
	first      []int32 // by row: its first value
}

// column reads a column whose rows have a value or none.
func (s *segment) column(group, leaf int) (*columnData, error) {
	c := &columnData{at: make([]span, 0, s.groups[group].rows)}
	err := s.pages(group, leaf, func(page parquet.Page) error {
		values, err := c.values(page)
		if err != nil {
			return err
		}
		if levels := page.DefinitionLevels(); len(levels) > 0 {
			return c.spread(levels, values)
		}
		c.at = append(c.at, values...)
		return nil
	})
	if err == nil && len(c.at) != s.groups[group].rows {
		err = damaged(errRows)
	}
	return c, err
}

var errRows = errors.New("a column has not as many rows as its row group")

// spread appends the values to the rows that have one.
func (c *columnData) spread(levels []byte, values []span) error {
	for _, level := range levels {
		if level == 0 {
			c.at = append(c.at, span{})
			continue
		}
		if len(values) == 0 {
			return errRows
		}
		c.at = append(c.at, values[0])
		values = values[1:]
	}
	return nil
}

// list reads a column of lists.
func (s *segment) list(group, leaf int) (*listData, error) {
	l := &listData{first: make([]int32, 0, s.groups[group].rows+1)}
	err := s.pages(group, leaf, func(page parquet.Page) error {
		values, err := l.values(page)
		if err != nil {
			return err
		}
		repetitions, definitions := page.RepetitionLevels(), page.DefinitionLevels()
		if len(repetitions) != len(definitions) {
			return errRows
		}
		for i, level := range definitions {
			if repetitions[i] == 0 {
				l.first = append(l.first, int32(len(l.at)))
			}
			if level == 0 {
				continue
			}
			if len(values) == 0 {
				return errRows
			}
			l.at = append(l.at, values[0])
			values = values[1:]
		}
		return nil
	})
	if err == nil && len(l.first) != s.groups[group].rows {
		err = damaged(errRows)
	}
	l.first = append(l.first, int32(len(l.at)))
	return l, err
}

// pages hands on a column's pages.
func (s *segment) pages(group, leaf int, visit func(parquet.Page) error) (err error) {
	if leaf == none {
		return damaged(errIndex)
	}
	if err := s.load(group, leaf); err != nil {
		return err
	}
	pages := s.layout.RowGroups()[group].ColumnChunks()[leaf].Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return damaged(err)
		}
		err = visit(page)
		parquet.Release(page)
		if err != nil {
			return damaged(err)
		}
	}
}

// values appends a page's values, without nulls, to the column's text and
// returns where they stand. Numbers become the text that they were.
func (c *columnData) values(page parquet.Page) ([]span, error) {
	if dictionary := page.Dictionary(); dictionary != nil {
		return c.looked(page, dictionary.Page())
	}
	return c.plain(page)
}

func (c *columnData) plain(page parquet.Page) ([]span, error) {
	data := page.Data()
	switch page.Type().Kind() {
	case parquet.ByteArray:
		text, offsets := data.ByteArray()
		if len(c.text)+len(text) > math.MaxUint32 {
			return nil, fmt.Errorf("a column of a row group has more than %d bytes", math.MaxUint32)
		}
		base := uint32(len(c.text))
		c.text = append(c.text, text...)
		spans := make([]span, max(0, len(offsets)-1))
		for i := range spans {
			spans[i] = span{base + offsets[i], offsets[i+1] - offsets[i]}
		}
		return spans, nil
	case parquet.Int64:
		return numbers(c, data.Int64()), nil
	case parquet.Int32:
		return numbers(c, data.Int32()), nil
	}
	return nil, fmt.Errorf("a column of type %s", page.Type())
}

func numbers[T int32 | int64](c *columnData, values []T) []span {
	spans := make([]span, len(values))
	for i, v := range values {
		at := len(c.text)
		c.text = strconv.AppendInt(c.text, int64(v), 10)
		spans[i] = span{uint32(at), uint32(len(c.text) - at)}
	}
	return spans
}

// looked returns the values of a page that holds indexes of a dictionary.
func (c *columnData) looked(page, dictionary parquet.Page) ([]span, error) {
	if c.words == nil {
		words, err := c.plain(dictionary)
		if err != nil {
			return nil, err
		}
		c.words = words
	}
	words := c.words
	data := page.Data()
	indexes := data.Int32()
	spans := make([]span, len(indexes))
	for i, n := range indexes {
		if int(n) >= len(words) || n < 0 {
			return nil, fmt.Errorf("index %d of %d words", n, len(words))
		}
		spans[i] = words[n]
	}
	return spans, nil
}

// whole reads a column of numbers, which every row has one of.
func (s *segment) whole(group, leaf int) ([]int64, error) {
	values := make([]int64, 0, s.groups[group].rows)
	err := s.pages(group, leaf, func(page parquet.Page) error {
		data := page.Data()
		switch {
		case page.Dictionary() != nil:
			words := page.Dictionary()
			for _, n := range data.Int32() {
				values = append(values, int64(words.Index(n).Int32()))
			}
		case page.Type().Kind() == parquet.Int64:
			values = append(values, data.Int64()...)
		default:
			for _, n := range data.Int32() {
				values = append(values, int64(n))
			}
		}
		return nil
	})
	if err == nil && len(values) != s.groups[group].rows {
		err = damaged(errRows)
	}
	return values, err
}

// noMoment stands in a list of times for a row without one.
const noMoment = math.MinInt64

// moments reads the column of times.
func (s *segment) moments(group int) ([]int64, error) {
	times := make([]int64, 0, s.groups[group].rows)
	err := s.pages(group, s.leaves.time, func(page parquet.Page) error {
		data := page.Data()
		values := data.Int64()
		for _, level := range page.DefinitionLevels() {
			switch {
			case level == 0:
				times = append(times, noMoment)
			case len(values) == 0:
				return errRows
			default:
				times = append(times, values[0])
				values = values[1:]
			}
		}
		return nil
	})
	if err == nil && len(times) != s.groups[group].rows {
		err = damaged(errRows)
	}
	return times, err
}

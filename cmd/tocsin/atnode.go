package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"tocsin/client"
	"tocsin/internal/output"
)

// atNode is the flags of verbs that work at a running node, over its API.
type atNode struct {
	Node string `help:"The node to work at." placeholder:"URL" env:"TOCSIN_NODE" default:"http://127.0.0.1:8617"`
	credentials
}

func (a *atNode) client() (*client.Client, error) {
	token, err := a.token()
	if err != nil {
		return nil, err
	}
	c, err := client.New(a.Node, token)
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

// read asks for what stands under a path.
func (a *atNode) read(ctx context.Context, path string, query url.Values, out any) error {
	_, err := a.call(ctx, client.Request{Method: http.MethodGet, Path: path, Query: query}, out)
	return err
}

// post sends something new.
func (a *atNode) post(ctx context.Context, path string, in, out any) error {
	_, err := a.call(ctx, client.Request{Method: http.MethodPost, Path: path, In: in}, out)
	return err
}

// put replaces what stands under a path.
func (a *atNode) put(ctx context.Context, path string, in, out any) error {
	_, err := a.call(ctx, client.Request{Method: http.MethodPut, Path: path, In: in}, out)
	return err
}

// change changes what stands under a path, as it was read just before: whoever
// was faster is not written over.
func (a *atNode) change(ctx context.Context, method, path, read string, in, out any) error {
	version, err := a.call(ctx, client.Request{Method: http.MethodGet, Path: read}, nil)
	if err != nil {
		return err
	}
	_, err = a.call(ctx, client.Request{Method: method, Path: path, In: in, Version: version}, out)
	return err
}

func (a *atNode) call(ctx context.Context, r client.Request, out any) (version string, err error) {
	c, err := a.client()
	if err != nil {
		return "", err
	}
	return c.Call(ctx, r, out)
}

// download writes what stands under a path into a file, which is there whole or
// not at all; without a name it goes to standard output.
func (a *atNode) download(ctx context.Context, c *console, r client.Request, name string) error {
	asked, err := a.client()
	if err != nil {
		return err
	}
	if name == "" {
		return asked.Download(ctx, r, c.out)
	}
	return writeWhole(name, func(to io.Writer) error { return asked.Download(ctx, r, to) })
}

// itemsPage is a page of a list as the API gives it.
type itemsPage[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// most is the largest page that the API gives.
const most = 1000

// readPages reads so many items of a list, page by page, and reports whether
// there are more.
func readPages[T any](ctx context.Context, a *atNode, path string, query url.Values, limit int) (all []T, more bool, err error) {
	for {
		query.Set("limit", strconv.Itoa(min(limit-len(all), most)))
		var page itemsPage[T]
		if err := a.read(ctx, path, query, &page); err != nil {
			return nil, false, err
		}
		all = append(all, page.Items...)
		if page.Next == "" || len(all) >= limit {
			return all, page.Next != "", nil
		}
		query.Set("cursor", page.Next)
	}
}

// set adds a parameter unless it is empty.
func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

func setTime(query url.Values, name string, at time.Time) {
	if !at.IsZero() {
		query.Set(name, at.UTC().Format(time.RFC3339))
	}
}

func setBool(query url.Values, name string, on bool) {
	if on {
		query.Set(name, "true")
	}
}

// asPerson is for what a token may not, since it is nobody's: the person's
// password is read from the terminal, or from standard input.
type asPerson struct {
	Node string `help:"The node to work at." placeholder:"URL" env:"TOCSIN_NODE" default:"http://127.0.0.1:8617"`
	As   string `help:"The account that signs; its password is asked for, or read from standard input." placeholder:"ACCOUNT" required:""`
}

// post signs in, posts and signs out. Version is the ETag that was seen; empty is
// any.
func (p *asPerson) post(ctx context.Context, c *console, path, version string, in, out any) error {
	return p.session(ctx, c, func(asked *client.Client) error {
		_, err := asked.Call(ctx, client.Request{Method: http.MethodPost, Path: path, In: in, Version: version}, out)
		return err
	})
}

// session does something as the person, who signs in before and out after.
func (p *asPerson) session(ctx context.Context, c *console, do func(*client.Client) error) (err error) {
	password, err := c.password(p.As)
	if err != nil {
		return err
	}
	asked, err := client.SignIn(ctx, p.Node, p.As, password)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, asked.SignOut(context.WithoutCancel(ctx))) }()
	return do(asked)
}

// password reads a password: from a terminal without showing it, else the first
// line of standard input.
func (c *console) password(of string) (string, error) {
	if f, ok := c.in.(*os.File); ok && isTerminal(f) {
		fmt.Fprintf(c.err, "password of %s: ", output.Plain(of))
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(c.err)
		return string(text), err
	}
	line, err := bufio.NewReader(io.LimitReader(c.in, passwordLimit)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("password: %w", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", usageError{fmt.Errorf("the password of %s is needed on standard input", of)}
	}
	return line, nil
}

// writeWhole writes a file that is there whole or not at all, and that its owner
// alone may read.
func writeWhole(name string, write func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(name), ".tocsin-")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return os.Rename(file.Name(), name)
}

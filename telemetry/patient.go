package telemetry

import (
	"context"
	"errors"
	"io"
	"os"
)

// regular reports whether in is an ordinary file, which never keeps its reader
// waiting and can be read at any place.
func regular(in io.Reader) (*os.File, bool) {
	file, ok := in.(*os.File)
	if !ok {
		return nil, false
	}
	info, err := file.Stat()
	return file, err == nil && info.Mode().IsRegular()
}

// patient reads what may keep its reader waiting without end (a pipe nobody
// writes to, a terminal) and gives up when ctx ends. Opening may wait too: a
// named pipe opens when its writer does. The goroutine it starts ends with the
// stream, with its next byte once closed, or with the process: the operating
// system gives no other way out of such a read.
func patient(ctx context.Context, open func() (io.ReadCloser, error)) io.ReadCloser {
	out, in := io.Pipe()
	forget := context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
	go func() {
		defer forget()
		source, err := open()
		if err == nil {
			_, err = io.Copy(in, source)
			err = errors.Join(err, source.Close())
		}
		in.CloseWithError(err) // the end of the stream, where err is nil
	}()
	return out
}

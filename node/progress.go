package node

import "time"

// tellProgress calls Progress now and then until the returned function is
// called, and once more then.
func (w *watching) tellProgress() (stop func()) {
	if w.Progress == nil {
		return func() {}
	}
	tell := func() {
		done, total := w.reader.Progress()
		w.Progress(Progress{Done: done, Total: total, Events: w.eventsRead.Load(), Findings: w.findingsTold.Load()})
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				tell()
			case <-quit:
				tell()
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
	}
}

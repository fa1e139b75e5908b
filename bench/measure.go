package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cost is what one run took. CPU time is user and system time together: on a
// machine that does other work too it is steadier than elapsed time.
type cost struct {
	cpu, wall time.Duration
	memory    int64 // peak resident bytes, of another process only
	output    string
	lines     int // of output
}

// contender is one way to do the work that others do too.
type contender struct {
	name string
	run  func(context.Context) (cost, error)
}

// race lets every contender run in turn, rounds times after one round that
// does not count, and returns for each the run with the median CPU time. In
// turn, so that whatever else the machine does meets all of them alike.
func race(ctx context.Context, rounds int, contenders []contender) ([]cost, error) {
	all := make([][]cost, len(contenders))
	for round := range rounds + 1 {
		for i, c := range contenders {
			took, err := c.run(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 {
				all[i] = append(all[i], took)
			}
		}
	}
	medians := make([]cost, len(all))
	for i, runs := range all {
		slices.SortFunc(runs, func(a, b cost) int { return int(a.cpu - b.cpu) })
		medians[i] = runs[len(runs)/2]
	}
	return medians, nil
}

// here measures work done in this process, the garbage collector's included.
func here(work func() error) func(context.Context) (cost, error) {
	return func(context.Context) (cost, error) {
		runtime.GC()
		start, before := time.Now(), used()
		err := work()
		return cost{cpu: used() - before, wall: time.Since(start)}, err
	}
}

func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // cannot fail with these arguments (getrusage(2))
	}
	return cpu(&u)
}

func cpu(u *syscall.Rusage) time.Duration {
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// process measures another program from its start to its end. Its output is
// dropped, except for the last line.
func process(program string, args ...string) func(context.Context) (cost, error) {
	return func(ctx context.Context) (cost, error) {
		var complaint strings.Builder
		var said tail
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Stdout, cmd.Stderr = &said, &complaint
		start := time.Now()
		if err := cmd.Start(); err != nil {
			return cost{}, err
		}
		peak := peakMemory(cmd.Process.Pid)
		err := cmd.Wait()
		took := cost{wall: time.Since(start), memory: peak(), output: said.last(), lines: said.lines}
		if err != nil {
			return took, fmt.Errorf("%s: %w\n%s", cmd, err, complaint.String())
		}
		u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			return took, errors.New("this system does not tell what a process used")
		}
		took.cpu = cpu(u)
		return took, nil
	}
}

// peakMemory watches a process and returns a function that says, once the
// process has ended, the most memory it had. The kernel's own answer to wait
// will not do: it counts what this process had when it started the other
// (getrusage(2), ru_maxrss).
func peakMemory(pid int) func() int64 {
	const often = 5 * time.Millisecond
	var peak int64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(often)
		defer tick.Stop()
		for {
			peak = max(peak, residentPeak(pid))
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-done
		return peak
	}
}

// residentPeak is the most memory that a process had, and resident what it has
// now; 0 when it is gone (proc(5)).
func residentPeak(pid int) int64 { return statusBytes(pid, "VmHWM:") }

func resident(pid int) int64 { return statusBytes(pid, "VmRSS:") }

func statusBytes(pid int, name string) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, found := strings.Cut(string(status), name)
	if !found {
		return 0
	}
	amount, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	kilobytes, err := strconv.ParseInt(amount, 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes * 1024
}

// tail keeps the end of what is written to it and counts its lines.
type tail struct {
	end   []byte
	lines int
}

func (t *tail) Write(p []byte) (int, error) {
	const kept = 4096
	t.lines += bytes.Count(p, []byte("\n"))
	t.end = append(t.end, p[max(0, len(p)-kept):]...)
	t.end = t.end[max(0, len(t.end)-kept):]
	return len(p), nil
}

func (t *tail) last() string {
	lines := strings.Split(strings.TrimSpace(string(t.end)), "\n")
	return lines[len(lines)-1]
}

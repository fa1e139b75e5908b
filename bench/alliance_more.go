package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/node"
)

func contains(list, name string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one == name {
			return true
		}
	}
	return false
}

// set sends a large set of indicators to members, one of which is in a process of
// its own, and looks how that one's memory grows.
func (a *allianceBench) set(ctx context.Context) error {
	memories, err := a.memories(ctx, 2)
	if err != nil {
		return err
	}
	s := &shape{dir: filepath.Join(a.scratch, "set"), counts: []int{1, allianceSetTo - 1}, memories: memories}
	h, g, err := a.assemble(ctx, "set", s)
	if err != nil {
		return err
	}
	defer h.kill()
	defer g.stop()
	const warmed = 1000 // indicators: what is made once is there then
	if _, err := a.warn(ctx, h, g, "set", warmed, time.Minute); err != nil {
		return err
	}
	pid := g.processes[0].cmd.Process.Pid
	before := resident(pid)
	peak := peakMemory(pid)
	if _, err := a.warn(ctx, h, g, "set", allianceSet, 5*time.Minute); err != nil {
		return err
	}
	grown := peak() - before
	body, err := json.Marshal(allianceDraft(allianceSet).Asked)
	if err != nil {
		return err
	}
	a.r.goals = append(a.r.goals, goal{
		text: fmt.Sprintf("growth of a member's memory against the bytes of %d indicators sent to %d", allianceSet, allianceSetTo),
		got:  float64(grown) / float64(len(body)), limit: 2, measurement: fmt.Sprintf("(%.1f MB to %.1f MB; the indicators are %.1f MB)", float64(before)/1e6, float64(before+grown)/1e6, float64(len(body))/1e6),
	})
	return nil
}

// canned has many members without a memory answer: first a thousand, then all.
func (a *allianceBench) canned(ctx context.Context) error {
	const perProcess = 2500
	for _, size := range []int{1000, a.alliance.canned} {
		name := fmt.Sprintf("canned-%d", size)
		s := &shape{dir: filepath.Join(a.scratch, name), canned: true}
		for left := size; left > 0; left -= perProcess {
			s.counts = append(s.counts, min(left, perProcess))
		}
		h, g, err := a.assemble(ctx, name, s)
		if err != nil {
			return err
		}
		w, err := a.warn(ctx, h, g, name, allianceFew, 3*time.Minute)
		if err == nil && size == 1000 {
			a.r.goals = append(a.r.goals, goal{
				text: fmt.Sprintf("milliseconds, the API's p95 while %d answers arrive at once", size), got: float64(w.api) / float64(time.Millisecond),
				limit: float64(allianceAPI / time.Millisecond), measurement: w.String(),
			})
		}
		if err == nil {
			a.r.goals = append(a.r.goals,
				goal{text: fmt.Sprintf("answers of %d members that are lost", size), got: float64(w.board.Sum.Silent + w.board.Sum.Blind + size - w.board.Sum.Members), limit: 0, measurement: w.String()},
				goal{text: fmt.Sprintf("GB of the hub's memory with %d members", size), got: float64(w.peak) / 1e9, limit: allianceHubBytes / 1e9})
		}
		g.stop()
		h.kill()
		if err != nil {
			return err
		}
	}
	return nil
}

// alone has one member answer from a large ledger.
func (a *allianceBench) alone(ctx context.Context) error {
	dir := filepath.Join(a.work, "alone")
	a.say("filling a ledger with %d observables", a.alliance.alone)
	if err := fillMemory(ctx, dir, a.alliance.alone, 1); err != nil {
		return err
	}
	nodes, err := openMemories(ctx, []string{dir})
	if err != nil {
		return err
	}
	memory := nodes[0]
	w := &alliance.Warning{ID: "alone"}
	for _, i := range allianceDraft(allianceMany).Asked {
		w.Indicators = append(w.Indicators, alliance.Indicator{Kind: i.Kind, Value: i.Value})
	}
	answering := node.Warned{Hunt: memory.Hunt, Retained: memory.Retained}
	best := cost{wall: 1 << 62}
	hits := 0
	for range 6 {
		start := begin()
		said, err := answering.Answer(ctx, w, false)
		if err != nil {
			return err
		}
		if took := start.cost(); took.wall < best.wall {
			best = took
		}
		hits = len(said.Hits)
	}
	a.r.lines = append(a.r.lines, line{fmt.Sprintf("one member alone, %d observables, answers %d indicators, warm, fastest of 6", a.alliance.alone, allianceMany), best, 1, fmt.Sprintf("%d were seen", hits)})
	a.r.goals = append(a.r.goals, goal{
		text: fmt.Sprintf("seconds to answer %d indicators warm from %d observables", allianceMany, a.alliance.alone), got: best.wall.Seconds(), limit: allianceAlone.Seconds(),
		measurement: fmt.Sprintf("(%.2f of CPU)", best.cpu.Seconds()),
	})
	return nil
}

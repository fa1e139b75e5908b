package main

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"tocsin/intake"
	"tocsin/internal/output"
)

type sourceAsideCmd struct {
	asking
	Source string `help:"Only records of this source." placeholder:"NAME"`
	Limit  int    `help:"How many to show, the oldest first." default:"20"`
	Format string `help:"table or jsonl (the record itself in base64)." enum:"table,jsonl" default:"table"`
}

// Run shows what is set aside.
func (s *sourceAsideCmd) Run(ctx context.Context, c *console) error {
	asked, err := s.client()
	if err != nil {
		return err
	}
	var told intake.AsideAnswer
	if asked != nil {
		query := url.Values{"limit": {strconv.Itoa(s.Limit)}, "source": {s.Source}}
		err = asked.Get(ctx, "/api/v1/aside?"+query.Encode(), &told)
	} else {
		var config intake.Config
		if config, err = c.intakeOf(); err == nil {
			told.Count, told.Records, err = config.OpenAside(time.Now).List(s.Source, s.Limit)
		}
	}
	if err != nil {
		return err
	}
	if s.Format == "table" {
		return output.WriteAside(c.out, &told, terminal(c.out))
	}
	return eachLine(c.out, told.Records)
}

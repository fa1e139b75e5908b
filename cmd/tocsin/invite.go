package main

import (
	"context"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/member"
	"tocsin/api"
	"tocsin/internal/output"
)

const alliancePath = "/api/v1/alliance"

// inviteCmd is the verbs of invitations.
type inviteCmd struct {
	New      inviteNewCmd      `cmd:"" default:"withargs" help:"Make an invitation and print its token, this once."`
	List     inviteListCmd     `cmd:"" help:"List invitations: who made them, who used them."`
	Withdraw inviteWithdrawCmd `cmd:"" help:"Make an invitation useless that was not used."`
}

type inviteNewCmd struct {
	atNode
	Kind    string   `help:"What may join with it: authority, association, enterprise or support; by default any." enum:",authority,association,enterprise,support" default:""`
	Sector  []string `help:"Only organisations of this sector, as health or energy.gas; repeatable." placeholder:"SECTOR"`
	Region  []string `help:"Only organisations of this region, as AT or CN-31; repeatable." placeholder:"REGION"`
	Expires lifetime `help:"How long it is good for, as 72h or 7d; 72h by default." placeholder:"TIME"`
	Note    string   `help:"Whom it is for."`
}

// Run prints the token alone on standard output, for scripts.
func (i *inviteNewCmd) Run(ctx context.Context, c *console) error {
	asked := api.InvitationAsked{Kind: alliance.Kind(i.Kind), Sectors: i.Sector, Regions: i.Region, Note: i.Note}
	if i.Expires > 0 {
		asked.Expires = time.Now().Add(time.Duration(i.Expires))
	}
	var made api.InvitationMade
	if err := i.post(ctx, alliancePath+"/invitations", &asked, &made); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(c.out, made.Token); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.err, "invitation %s is good once, until %s; it is not shown again. At the other node: tocsin join TOKEN\n",
		made.Invitation.ID, made.Invitation.Expires.Format(time.RFC3339))
	return err
}

type inviteListCmd struct {
	atNode
	Format string `help:"table or json (one invitation a line)." enum:"table,json" default:"table"`
}

func (i *inviteListCmd) Run(ctx context.Context, c *console) error {
	var all []member.Invitation
	if err := i.read(ctx, alliancePath+"/invitations", nil, &all); err != nil {
		return err
	}
	if i.Format == "json" {
		return eachLine(c.out, all)
	}
	p := &page{out: c.out}
	for k := range all {
		one := &all[k]
		p.line("%s  %-11s  %s", one.ID, anyKind(string(one.Kind)), invitationState(one))
		p.line("    by %s, until %s  %s %s  %s", one.By, one.Expires.Format(time.RFC3339), listOf(one.Sectors), listOf(one.Regions), one.Note)
	}
	if len(all) == 0 {
		p.line("no invitations")
	}
	return p.err
}

func invitationState(i *member.Invitation) string {
	switch {
	case i.Used != nil:
		return "used " + i.Used.Format(time.RFC3339) + " by " + string(i.UsedBy)
	case i.Withdrawn != nil:
		return "withdrawn"
	case !time.Now().Before(i.Expires):
		return "expired"
	default:
		return "open"
	}
}

type inviteWithdrawCmd struct {
	atNode
	ID string `arg:"" help:"The invitation, as 'tocsin invite list' shows it."`
}

func (i *inviteWithdrawCmd) Run(ctx context.Context, c *console) error {
	asked, err := i.client()
	if err != nil {
		return err
	}
	if err := asked.Delete(ctx, alliancePath+"/invitations/"+pathPart(i.ID), nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "invitation %s is withdrawn\n", output.Plain(i.ID))
	return err
}

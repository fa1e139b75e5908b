package main

// warnCmd is what an authority does with warnings, and a member with those that
// arrived. All of it works at a node.
type warnCmd struct {
	Draft     warnDraftCmd     `cmd:"" help:"Draft a warning from a file."`
	Edit      warnEditCmd      `cmd:"" help:"Put another draft in the place of the one that waits; approvals are void with it."`
	Show      warnShowCmd      `cmd:"" help:"Show a warning, of ours or arrived: what it says, what keeps it from being issued, what may be done."`
	List      warnListCmd      `cmd:"" help:"List warnings, the last one first."`
	Reach     warnReachCmd     `cmd:"" help:"Say whom a warning reaches, and who is left out and why."`
	Approve   warnApproveCmd   `cmd:"" help:"Put your name under a draft. Two people must for orange and red."`
	Issue     warnIssueCmd     `cmd:"" help:"Issue an approved draft; with --alone what needs two, on your word, with the reason."`
	Ratify    warnRatifyCmd    `cmd:"" help:"Confirm what another person issued alone."`
	Amend     warnAmendCmd     `cmd:"" help:"Draft the next revision of a warning in force from a file."`
	Raise     warnRaiseCmd     `cmd:"" help:"Draft the next revision with a higher colour."`
	Lower     warnLowerCmd     `cmd:"" help:"Draft the next revision with a lower colour."`
	Discard   warnDiscardCmd   `cmd:"" help:"Give a draft up."`
	Lift      warnLiftCmd      `cmd:"" help:"End a warning whose danger is over."`
	Recall    warnRecallCmd    `cmd:"" help:"Take back a warning that was sent by mistake."`
	Receipts  warnReceiptsCmd  `cmd:"" help:"Say to whom a warning went, and where a recalled one is gone."`
	Release   warnReleaseCmd   `cmd:"" help:"Let a question of an arrived warning through that is held."`
	Done      warnDoneCmd      `cmd:"" help:"Record that a duty under an arrived warning was done."`
	Export    warnExportCmd    `cmd:"" help:"Write a revision as it was sent, as CAP 1.2 or as a STIX 2.1 bundle."`
	Import    warnImportCmd    `cmd:"" help:"Draft a warning from a CAP 1.2 message or a STIX 2.1 bundle."`
	Addresses warnAddressesCmd `cmd:"" help:"Split a list of addresses by whose they are, and tell each owner its own."`
	Board     warnBoardCmd     `cmd:"" help:"How members answered, by sector, region or member."`
	Told      warnToldCmd      `cmd:"" help:"Write down an answer that was told by telephone or mail."`
}

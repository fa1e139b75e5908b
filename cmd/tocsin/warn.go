package main

// warnCmd is what an authority does with warnings.
type warnCmd struct {
	Board warnBoardCmd `cmd:"" help:"How members answered, by sector, region or member."`
	Told  warnToldCmd  `cmd:"" help:"Write down an answer that was told by telephone or mail."`
}

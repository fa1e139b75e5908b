package member

// For tests of rules that need no database.
var (
	Reached   = reach
	CheckCard = checkCard
)

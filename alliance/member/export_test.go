package member

// For tests of rules that need no database.
var (
	Reached   = reach
	CheckCard = checkCard
)

// NewToken makes a token with a new secret.
var NewToken = newToken

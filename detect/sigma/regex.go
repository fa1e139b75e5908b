package sigma

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"
)

// Bounds on one regular expression. The longest of the public rules has 400
// characters and 1,100 instructions (".{1000,}").
const (
	regexLimit        = 16_384 // bytes
	regexProgramLimit = 20_000 // instructions
)

// CheckRegexp refuses, of a regular expression, what RE2 cannot do, with what to write instead, and what
// would make a program too large to run over every event.
func CheckRegexp(source string) error {
	_, err := regexpSteps(source)
	return err
}

// regexpSteps is CheckRegexp; it also returns the size of the program.
func regexpSteps(source string) (int, error) {
	if len(source) > regexLimit {
		return 0, fmt.Errorf("regular expression of %d bytes: more than %d", len(source), regexLimit)
	}
	parsed, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return 0, regexpError(err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, regexpError(err)
	}
	if len(program.Inst) > regexProgramLimit {
		return 0, fmt.Errorf("regular expression needs %d steps, more than %d: use smaller repeat counts", len(program.Inst), regexProgramLimit)
	}
	return len(program.Inst), nil
}

// regexpError turns a syntax error into one that says what to do.
func regexpError(err error) error {
	var bad *syntax.Error
	if !errors.As(err, &bad) {
		return fmt.Errorf("regular expression: %w", err)
	}
	return fmt.Errorf("regular expression: %s: %q%s", bad.Code, bad.Expr, regexpHint(bad))
}

func regexpHint(bad *syntax.Error) string {
	expr := bad.Expr
	switch {
	case strings.HasPrefix(expr, "(?=") || strings.HasPrefix(expr, "(?<="):
		return ": look-around is not supported (RE2): write a second search and join both with 'and'"
	case strings.HasPrefix(expr, "(?!") || strings.HasPrefix(expr, "(?<!"):
		return ": look-around is not supported (RE2): write a second search and add 'and not' to the condition"
	case strings.HasPrefix(expr, "(?>"):
		return ": atomic groups are not supported (RE2): an ordinary group '(?:' matches the same"
	case bad.Code == syntax.ErrInvalidEscape && len(expr) == 2 && '1' <= expr[1] && expr[1] <= '9':
		return ": back-references are not supported (RE2): compare two fields with fieldref instead"
	case bad.Code == syntax.ErrInvalidRepeatOp && strings.HasSuffix(expr, "+"):
		return ": possessive repetition is not supported (RE2): the ordinary one matches the same"
	case bad.Code == syntax.ErrInvalidRepeatSize || bad.Code == syntax.ErrLarge:
		return ": at most 1000 repetitions are supported"
	case bad.Code == syntax.ErrInvalidEscape:
		return ": no such escape in RE2; write a literal character without the backslash"
	}
	return ""
}

// Package criterion reads conditions over facts, written in CEL, and says
// whether they hold when facts are only partly known.
//
// Its words: a Language is what conditions may say, given a dictionary of facts.
// A Criterion is one condition, compiled. Its Outcome is Yes, No or Unknown, with
// the atoms (single comparisons) that decide and the facts they ask for.
//
// The language is CEL's syntax and types (cel-go parses and checks), of which
// what follows is allowed: the facts by their keys; && || ! and parentheses;
// == != < <= > >= ; + - * / with at most a constant divisor; in; lists of words;
// and the functions min, max, hours(n) and days(n) in minutes, amount(money,
// "EUR"), size(list), any_of(list, [words]) and count([conditions]). There are no
// macros, so that no condition takes longer than it is long; CEL's own estimate
// of its cost is held to a limit as well.
//
// Conditions are not run by cel-go, whose unknowns know no ranges, but over
// sets of values: a number is an interval, a list what it has for sure and what
// it may have, a truth value one of three. Each step returns every result that
// some choice of values within its arguments could give. So an outcome of Yes or
// No is right whatever the facts turn out to be, and knowing more never makes
// an outcome less certain; that the same fact may stand twice in a condition
// is not used, which can leave an outcome Unknown that is decided, never the
// reverse. A fact that does not apply makes every comparison with it false. Tests
// compare with cel-go at known values.
//
// What it never does: compare money of two currencies without a stated rate.
package criterion

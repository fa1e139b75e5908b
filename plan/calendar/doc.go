// Package calendar reckons when something is due as laws say it: hours that run
// through nights and holidays, days that end at midnight where the duty is owed,
// calendar months, business days by a table of holidays, and due moments that
// roll on when they fall on a day off.
//
// Its words: a Limit is a number with a unit, as "4 business days"; a Rule is a
// limit with how its end is found; a Calendar is a time zone with a Table of
// holidays; a Due is a moment with what it rests on.
//
// What is known of holidays is part of the answer: a year that a table does not
// cover is reckoned with weekends only, which is never later than the law
// allows, and the Due says so.
package calendar

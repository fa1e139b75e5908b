// Package duty keeps the plan running: who the organisation is, what happened in
// each incident that starts clocks, how it was graded and by whom, what is due
// when, what was sent, and what was missed. It reckons with package plan and
// remembers in the database.
//
// Its words: an Office is the one who does all that for one organisation. A
// Moment is something that starts clocks, with its time, who said so and why. A
// Grade is a person's decision about a level, kept with what the facts proposed
// then. A Delivery is a report that left. A Miss is a deadline that passed. A
// Notice is what somebody must be told: that time runs out, that it ran out,
// that nobody did anything about it, that the facts propose a higher level.
//
// Nothing is edited: a moment, grade or suspension that was wrong is corrected
// by another entry, and a miss stays for ever at the time at which it happened.
//
// One timer an incident. It is due at the incident's next moment, whatever that
// is: the next reminder of any clock, a deadline, an escalation, the end of a
// suspension, the crossing of a threshold by a fact that grows. Its effect reads
// the incident, reckons every clock anew, does what has become due and schedules
// itself again, in one transaction. So to open an incident writes one timer and
// not dozens; a fact that changes moves every moment with one row; and what
// fires is decided from what is true when it fires. How many steps of a clock
// were taken is in its row, so none is taken twice whatever the wall clock does.
//
// An Office, the register of incidents and the timers need each other: New the
// office, give its Kinds to timer.New and its Opened, Changed and Lacking to
// incident.New, then Join both.
//
// What it never does: grade by itself, send anything (a Notice is handed to
// Config.Notify inside the transaction), know who is on duty, or write a report.
package duty

package people

import (
	"fmt"
	"strings"

	"tocsin/internal/fault"
)

// Role is what somebody is to the node: one role a person, one a token.
type Role string

// The roles: of people, the later the more they may do, and of machines.
const (
	Viewer        Role = "viewer"
	Analyst       Role = "analyst"
	DutyOfficer   Role = "duty-officer"
	Commander     Role = "commander"
	Administrator Role = "administrator"
	Sensor        Role = "sensor" // a machine that may only send
	Feed          Role = "feed"   // a machine that may only pull
)

// Right is something that a request needs to be allowed, as a verb on a
// subject. Its text completes "may not …".
type Right string

// The rights.
const (
	// Public is what anybody may do, known or not: sign in, use a link.
	Public Right = "be here"

	SendTelemetry      Right = "send telemetry"
	SendFindings       Right = "send findings"
	PullFeed           Right = "pull the feed"
	ReadFindings       Right = "read findings"
	ReadNode           Right = "read the state of the node"
	ReadIndicators     Right = "read indicators"
	ReadRules          Right = "read rules"
	ReadAlerts         Right = "read alerts"
	ReadIncidents      Right = "read incidents"
	ReadReports        Right = "read reports"
	ReadRegimes        Right = "read regimes"
	ReadOrganisation   Right = "read the organisation"
	ReadRoster         Right = "read the roster"
	ReadPeople         Right = "read who there is"
	KeepAccount        Right = "keep an account"
	AskMemory          Right = "ask the memory"
	TendMemory         Right = "tend the memory"
	ChangeIndicators   Right = "change indicators"
	ChangeRules        Right = "change rules"
	WorkAlerts         Right = "work on alerts"
	WriteIncidents     Right = "write incidents"
	DraftReports       Right = "draft reports"
	HandOver           Right = "hand over the watch"
	GradeIncidents     Right = "grade incidents"
	SignReports        Right = "sign reports"
	SignOffIncidents   Right = "sign off incidents"
	CloseIncidents     Right = "close incidents"
	ManageRoster       Right = "manage the roster"
	ChangeOrganisation Right = "change the organisation"
	ChangeRegimes      Right = "change regimes"
	ReadAlliance       Right = "read the alliance"
	AnswerWarnings     Right = "answer warnings"
	DraftWarnings      Right = "draft warnings"
	ApproveWarnings    Right = "approve warnings"
	ManageAlliance     Right = "manage the alliance"
	ReadAudit          Right = "read the audit trail"
	ManagePeople       Right = "manage people"
	ManageTokens       Right = "manage tokens"
	OperateNode        Right = "operate the node"
)

// The table: who may do what. What is not in it is forbidden.
//
// An administrator may do whatever a commander may: who can make a commander
// can become one, and then the audit trail would name two where one acted.
var table = [...]struct {
	right Right
	//    one column a role of columns, "x" for may
	roles string
}{
	//                    viewer
	//                    | analyst
	//                    | | duty officer
	//                    | | | commander
	//                    | | | | administrator
	//                    | | | | |   sensor
	//                    | | | | |   | feed
	{Public, "             x x x x x   x x"},
	{SendTelemetry, "      . . . . .   x ."},
	{SendFindings, "       . x x x x   x ."}, // what a watch elsewhere found
	{PullFeed, "           . x x x x   . x"},
	{ReadFindings, "       x x x x x   . ."},
	{ReadNode, "           x x x x x   . ."}, // its sources, what it remembers, its metrics
	{ReadIndicators, "     x x x x x   . ."},
	{ReadRules, "          x x x x x   . ."},
	{ReadAlerts, "         x x x x x   . ."},
	{ReadIncidents, "      x x x x x   . ."},
	{ReadReports, "        x x x x x   . ."},
	{ReadRegimes, "        x x x x x   . ."},
	{ReadOrganisation, "   x x x x x   . ."},
	{ReadRoster, "         x x x x x   . ."},
	{ReadPeople, "         x x x x x   . ."}, // names and roles, to hand somebody a task
	{KeepAccount, "        x x x x x   . ."}, // one's own: password, passkeys, sessions
	{AskMemory, "          . x x x x   . ."},
	{TendMemory, "         . x x x x   . ."}, // give room back, replay what was set aside
	{ChangeIndicators, "   . x x x x   . ."},
	{ChangeRules, "        . x x x x   . ."},
	{WorkAlerts, "         . x x x x   . ."}, // claim, dismiss, promote
	{WriteIncidents, "     . x x x x   . ."}, // open, facts, timeline, evidence, tasks
	{DraftReports, "       . x x x x   . ."},
	{HandOver, "           . x x x x   . ."}, // notes to who comes next
	{GradeIncidents, "     . . x x x   . ."}, // levels, response, human judgements
	{SignReports, "        . . x x x   . ."}, // where two must sign, they are two people
	{SignOffIncidents, "   . . . x x   . ."},
	{CloseIncidents, "     . . . x x   . ."},
	{ManageRoster, "       . . . x x   . ."},
	{ChangeOrganisation, " . . . x x   . ."},
	{ChangeRegimes, "      . . . x x   . ."},
	{ReadAlliance, "       x x x x x   . ."}, // members, warnings, the board
	{AnswerWarnings, "     . . x x x   . ."}, // measures, and what is released
	{DraftWarnings, "      . . x x x   . ."},
	{ApproveWarnings, "    . . . x x   . ."}, // issue, amend, lift, recall
	{ManageAlliance, "     . . . x x   . ."}, // invite, admit, expel, join
	{ReadAudit, "          . . . x x   . ."},
	{ManagePeople, "       . . . . x   . ."}, // accounts, invitations, others' sessions
	{ManageTokens, "       . . . . x   . ."},
	{OperateNode, "        . . . . x   . ."}, // back up, hold, erase, configure
}

// columns says where in a row of the table a role stands, from its end, which
// is aligned.
var columns = [...]struct {
	role Role
	from int
}{{Viewer, 15}, {Analyst, 13}, {DutyOfficer, 11}, {Commander, 9}, {Administrator, 7}, {Sensor, 3}, {Feed, 1}}

// Roles returns the roles there are.
func Roles() []Role {
	var roles []Role
	for _, column := range columns {
		roles = append(roles, column.role)
	}
	return roles
}

// Rights returns the rights there are.
func Rights() []Right {
	var rights []Right
	for _, row := range table {
		rights = append(rights, row.right)
	}
	return rights
}

// May reports whether the role has the right.
func (r Role) May(right Right) bool {
	for _, column := range columns {
		if column.role != r {
			continue
		}
		for _, row := range table {
			if row.right == right {
				return row.roles[len(row.roles)-column.from] == 'x'
			}
		}
	}
	return false
}

// Person reports whether the role is one of people; the others are machines'.
func (r Role) Person() bool { return r.May(KeepAccount) }

// ParseRole reads a role; the error is fault.Invalid and names those there are.
func ParseRole(text string) (Role, error) {
	var names []string
	for _, role := range Roles() {
		if string(role) == text {
			return role, nil
		}
		names = append(names, string(role))
	}
	return "", fmt.Errorf("role %q: use one of %s: %w", text, strings.Join(names, ", "), fault.Invalid)
}

// personRole reads the role of an account.
func personRole(text string) (Role, error) {
	role, err := ParseRole(text)
	if err == nil && !role.Person() {
		return "", fmt.Errorf("role %s is a machine's: make it a token: %w", role, fault.Invalid)
	}
	return role, err
}

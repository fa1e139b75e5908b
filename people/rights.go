package people

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/internal/fault"
)

// Right is something that a request needs to be allowed.
type Right string

// The rights.
const (
	Send Right = "send" // hand in telemetry
	Ask  Right = "ask"  // ask the memory, and change what is looked for
	Read Right = "read" // see what the node knows of its sources and of itself
	// OperateNode is to take backups, since whoever has one has everything, to erase,
	// and to hold and release what is erased.
	OperateNode Right = "operate the node"
)

// Role is what a token is for.
type Role string

// The roles.
const (
	Sensor  Role = "sensor"
	Analyst Role = "analyst"
	// Administrator runs the node.
	Administrator Role = "administrator"
)

// The table: who may do what. What is not in it is forbidden.
var table = []struct {
	role   Role
	rights []Right
}{
	{Sensor, []Right{Send}},
	{Analyst, []Right{Ask, Read}},
	{Administrator, []Right{Ask, Read, OperateNode}},
}

// Roles returns the roles there are.
func Roles() []Role {
	var roles []Role
	for _, row := range table {
		roles = append(roles, row.role)
	}
	return roles
}

// May reports whether the role has the right.
func (r Role) May(right Right) bool {
	for _, row := range table {
		if row.role == r {
			return slices.Contains(row.rights, right)
		}
	}
	return false
}

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

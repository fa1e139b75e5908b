package api

import (
	"net/http"

	"tocsin/people"
)

// Route is one thing that the API answers.
type Route struct {
	// Pattern is http.ServeMux's: method and path.
	Pattern string
	Right   people.Right
	answer  func(*api, http.ResponseWriter, *http.Request) error
}

// Routes returns everything that the API answers, and to whom: the page to read
// for what is offered. What is not here is the intake's.
func Routes() []Route {
	return []Route{
		{"POST /api/v1/hunt", people.AskMemory, (*api).hunt},
		{"GET /api/v1/findings", people.ReadFindings, (*api).findings},
		{"GET /api/v1/memory", people.ReadNode, (*api).memory},
		{"GET /api/v1/sources", people.ReadNode, (*api).sources},
		{"GET /api/v1/cluster", people.ReadNode, (*api).cluster},
		{"POST /api/v1/memory/compact", people.TendMemory, (*api).compact},
		{"GET /api/v1/memory/holds", people.AskMemory, (*api).listHolds},
		{"POST /api/v1/memory/holds", people.OperateNode, (*api).addHold},
		{"DELETE /api/v1/memory/holds/{case}", people.OperateNode, (*api).removeHold},
		{"GET /api/v1/memory/erased", people.AskMemory, (*api).listActs},
		{"POST /api/v1/memory/erase", people.OperateNode, (*api).erase},
		{"POST /api/v1/backup", people.OperateNode, (*api).backup},
		{"GET /api/v1/indicators", people.ReadIndicators, (*api).listIndicators},
		{"GET /api/v1/indicators/removed", people.ReadIndicators, (*api).removedIndicators},
		{"POST /api/v1/indicators/{name}", people.ChangeIndicators, (*api).addIndicators},
		{"DELETE /api/v1/indicators/{name}", people.ChangeIndicators, (*api).removeIndicators},

		{"POST /api/v1/session", people.Public, (*api).signIn},
		{"POST /api/v1/session/passkey/begin", people.Public, (*api).beginPasskey},
		{"POST /api/v1/session/passkey", people.Public, (*api).signInByPasskey},
		{"GET /api/v1/session", people.KeepAccount, (*api).whoAmI},
		{"DELETE /api/v1/session", people.KeepAccount, (*api).signOut},
		{"GET /api/v1/links/{secret}", people.Public, (*api).readLink},
		{"POST /api/v1/links/{secret}", people.Public, (*api).useLink},

		{"GET /api/v1/account", people.KeepAccount, (*api).ownAccount},
		{"POST /api/v1/account/password", people.KeepAccount, (*api).changePassword},
		{"GET /api/v1/account/sessions", people.KeepAccount, (*api).ownSessions},
		{"DELETE /api/v1/account/sessions/{id}", people.KeepAccount, (*api).endOwnSession},
		{"GET /api/v1/account/passkeys", people.KeepAccount, (*api).listPasskeys},
		{"POST /api/v1/account/passkeys/begin", people.KeepAccount, (*api).beginAddPasskey},
		{"POST /api/v1/account/passkeys", people.KeepAccount, (*api).addPasskey},
		{"DELETE /api/v1/account/passkeys/{id}", people.KeepAccount, (*api).removePasskey},

		{"GET /api/v1/people", people.ReadPeople, (*api).listPeople},
		{"POST /api/v1/people", people.ManagePeople, (*api).invitePerson},
		{"GET /api/v1/people/{name}", people.ReadPeople, (*api).readPerson},
		{"PATCH /api/v1/people/{name}", people.ManagePeople, (*api).changePerson},
		{"POST /api/v1/people/{name}/reset", people.ManagePeople, (*api).resetPerson},
		{"GET /api/v1/people/{name}/sessions", people.ManagePeople, (*api).listSessions},
		{"DELETE /api/v1/people/{name}/sessions", people.ManagePeople, (*api).endSessions},
		{"DELETE /api/v1/people/{name}/sessions/{id}", people.ManagePeople, (*api).endSession},

		{"GET /api/v1/tokens", people.ManageTokens, (*api).listTokens},
		{"POST /api/v1/tokens", people.ManageTokens, (*api).createToken},
		{"DELETE /api/v1/tokens/{id}", people.ManageTokens, (*api).revokeToken},

		{"GET /api/v1/roster", people.ReadRoster, (*api).readRoster},
		{"GET /api/v1/roster/now", people.ReadRoster, (*api).onDuty},
		{"POST /api/v1/roster/shifts", people.ManageRoster, (*api).addShift},
		{"DELETE /api/v1/roster/shifts/{id}", people.ManageRoster, (*api).endShift},
		{"GET /api/v1/roster/rotations", people.ReadRoster, (*api).listRotations},
		{"POST /api/v1/roster/rotations", people.ManageRoster, (*api).addRotation},
		{"DELETE /api/v1/roster/rotations/{id}", people.ManageRoster, (*api).endRotation},
		{"GET /api/v1/roster/notes", people.ReadRoster, (*api).readNotes},
		{"POST /api/v1/roster/notes", people.HandOver, (*api).handOver},

		// Pages, for browsers.
		{"GET /pages/{file}", people.Public, (*api).pageFile},
		{"GET /sign-in", people.Public, (*api).signInPage},
		{"POST /sign-in", people.Public, (*api).signInForm},
		{"GET /sign-in/provider", people.Public, (*api).toProvider},
		{"GET /sign-in/provider/back", people.Public, (*api).fromProvider},
		{"GET /link/{secret}", people.Public, (*api).linkPage},
		{"POST /link/{secret}", people.Public, (*api).linkForm},
		{"POST /sign-out", people.KeepAccount, (*api).signOutForm},
		{"GET /account", people.KeepAccount, (*api).accountPage},
		{"POST /account/password", people.KeepAccount, (*api).passwordForm},
		{"POST /account/sessions/{id}/end", people.KeepAccount, (*api).endSessionForm},
		{"POST /account/passkeys/{id}/remove", people.KeepAccount, (*api).removePasskeyForm},
	}
}

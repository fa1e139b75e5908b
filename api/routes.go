package api

import (
	"net/http"

	"tocsin/incident"
	"tocsin/node"
	"tocsin/people"
)

// Route is one thing that the API answers.
type Route struct {
	// Pattern is http.ServeMux's: method and path.
	Pattern string
	Right   people.Right
	handling
}

// Routes returns everything that the API answers, and to whom: the page to read
// for what is offered. What is not here is the intake's.
func Routes() []Route {
	return []Route{
		{"GET /api/openapi.json", people.Public, contents[none]("application/json", (*api).openAPI)},
		{"POST /api/v1/hunt", people.AskMemory, described[node.Hunt, node.Hunted](http.StatusOK, (*api).hunt).upTo(requestBytes).repeatable()},
		{"GET /api/v1/findings", people.ReadFindings, contents[findingsAfter](jsonLines, (*api).findings)},
		{"GET /api/v1/memory", people.ReadNode, told((*api).memory)},
		{"GET /api/v1/sources", people.ReadNode, described[none, any](http.StatusOK, (*api).sources)},
		{"GET /api/v1/cluster", people.ReadNode, told((*api).cluster)},
		{"POST /api/v1/memory/compact", people.TendMemory, told((*api).compact).repeatable()},
		{"GET /api/v1/memory/holds", people.AskMemory, told((*api).listHolds)},
		{"POST /api/v1/memory/holds", people.OperateNode, body((*api).addHold).upTo(paperBytes)},
		{"DELETE /api/v1/memory/holds/{case}", people.OperateNode, asked((*api).removeHold)},
		{"GET /api/v1/memory/erased", people.AskMemory, told((*api).listActs)},
		{"POST /api/v1/memory/erase", people.OperateNode, body((*api).erase).upTo(paperBytes)},
		{"POST /api/v1/backup", people.OperateNode, contents[none]("application/zstd", (*api).backup).repeatable()},
		{"GET /api/v1/indicators", people.ReadIndicators, told((*api).listIndicators)},
		{"GET /api/v1/indicators/removed", people.ReadIndicators, told((*api).removedIndicators)},
		{"POST /api/v1/indicators/{name}", people.ChangeIndicators, file[indicatorsSaid, Installed](http.StatusOK, indicatorBytes, (*api).addIndicators)},
		{"DELETE /api/v1/indicators/{name}", people.ChangeIndicators, told((*api).removeIndicators)},

		{"GET /api/v1/incidents", people.ReadIncidents, asked((*api).listIncidents)},
		{"POST /api/v1/incidents", people.WriteIncidents, makes((*api).openIncident).resumable()},
		{"GET /api/v1/incidents/{id}", people.ReadIncidents, told((*api).readIncident)},
		{"PATCH /api/v1/incidents/{id}", people.WriteIncidents, body((*api).describeIncident)},
		{"POST /api/v1/incidents/{id}/advance", people.WriteIncidents, body((*api).advanceIncident)},
		{"POST /api/v1/incidents/{id}/judgement", people.GradeIncidents, body((*api).judgeIncident)},
		{"GET /api/v1/incidents/{id}/facts", people.ReadIncidents, told((*api).readFacts)},
		{"PATCH /api/v1/incidents/{id}/facts", people.WriteIncidents, body((*api).stateFacts)},
		{"GET /api/v1/incidents/{id}/facts/{key}/history", people.ReadIncidents, told((*api).factHistory)},
		{"GET /api/v1/incidents/{id}/timeline", people.ReadIncidents, asked((*api).readTimeline)},
		{"POST /api/v1/incidents/{id}/comments", people.WriteIncidents, makes((*api).comment)},
		{"POST /api/v1/incidents/{id}/notes", people.WriteIncidents, makes((*api).note)},
		{"POST /api/v1/incidents/{id}/corrections", people.WriteIncidents, makes((*api).correct)},
		{"GET /api/v1/incidents/{id}/tasks", people.ReadIncidents, told((*api).listTasks)},
		{"POST /api/v1/incidents/{id}/tasks", people.WriteIncidents, makes((*api).addTask)},
		{"POST /api/v1/incidents/{id}/tasks/{task}/end", people.WriteIncidents, body((*api).endTask)},
		{"POST /api/v1/incidents/{id}/tasks/{task}/assign", people.WriteIncidents, body((*api).assignTask)},
		{"GET /api/v1/incidents/{id}/evidence", people.ReadIncidents, told((*api).listEvidence)},
		{"POST /api/v1/incidents/{id}/evidence", people.WriteIncidents, file[newEvidence, incident.Evidence](http.StatusCreated, evidenceBytes, (*api).addEvidence)},
		{"GET /api/v1/incidents/{id}/evidence/{evidence}/content", people.WriteIncidents, contents[reading](anyMedia, (*api).readEvidence)},
		{"GET /api/v1/incidents/{id}/evidence/{evidence}/chain", people.ReadIncidents, told((*api).readChain)},
		{"POST /api/v1/incidents/{id}/evidence/{evidence}/custody", people.WriteIncidents, body((*api).handEvidence)},
		{"POST /api/v1/incidents/{id}/evidence/{evidence}/verify", people.WriteIncidents, body((*api).verifyEvidence)},
		{"GET /api/v1/incidents/{id}/observables", people.ReadIncidents, told((*api).listObservables)},
		{"POST /api/v1/incidents/{id}/observables", people.WriteIncidents, makes((*api).addObservables)},
		{"DELETE /api/v1/incidents/{id}/observables", people.WriteIncidents, asked((*api).removeObservable)},
		{"GET /api/v1/incidents/{id}/assets", people.ReadIncidents, told((*api).listAssets)},
		{"POST /api/v1/incidents/{id}/assets", people.WriteIncidents, makes((*api).addAssets)},
		{"GET /api/v1/incidents/{id}/links", people.ReadIncidents, told((*api).listLinks)},
		{"POST /api/v1/incidents/{id}/links", people.WriteIncidents, makes((*api).addLink)},
		{"POST /api/v1/incidents/{id}/merge", people.GradeIncidents, body((*api).mergeIncidents)},
		{"POST /api/v1/incidents/{id}/split", people.WriteIncidents, makes((*api).splitIncident).resumable()},

		{"GET /api/v1/alerts", people.ReadAlerts, asked((*api).listAlerts)},
		{"GET /api/v1/alerts/{alert}", people.ReadAlerts, told((*api).readAlert)},
		{"POST /api/v1/alerts/{alert}/claim", people.WorkAlerts, told((*api).claimAlert)},
		{"POST /api/v1/alerts/{alert}/dismiss", people.WorkAlerts, body((*api).dismissAlert)},
		{"POST /api/v1/alerts/promote", people.WorkAlerts, makes((*api).promoteAlerts)},
		{"POST /api/v1/alerts/findings", people.SendFindings, body((*api).raiseFindings).upTo(findingsBytes)},
		{"GET /api/v1/suppressions", people.ReadAlerts, asked((*api).listSuppressions)},
		{"POST /api/v1/suppressions", people.WorkAlerts, makes((*api).suppress)},
		{"DELETE /api/v1/suppressions/{suppression}", people.WorkAlerts, told((*api).endSuppression)},
		{"GET /api/v1/clocks", people.ReadIncidents, asked((*api).listClocks)},
		{"GET /api/v1/incidents/{id}/plan", people.ReadIncidents, told((*api).readStanding)},
		{"POST /api/v1/incidents/{id}/grades", people.GradeIncidents, body((*api).gradeIncident)},
		{"POST /api/v1/incidents/{id}/responses", people.GradeIncidents, body((*api).activateResponse)},
		{"POST /api/v1/incidents/{id}/responses/end", people.GradeIncidents, body((*api).endResponse)},
		{"POST /api/v1/incidents/{id}/moments", people.WriteIncidents, makes((*api).addMoment)},
		{"POST /api/v1/incidents/{id}/moments/{moment}/correct", people.WriteIncidents, body((*api).correctMoment)},
		{"POST /api/v1/incidents/{id}/suspensions", people.GradeIncidents, makes((*api).suspendClock)},
		{"POST /api/v1/incidents/{id}/suspensions/{suspension}/end", people.GradeIncidents, body((*api).endSuspendedClock)},
		{"POST /api/v1/incidents/{id}/told", people.SignReports, makes((*api).tellOtherwise)},
		{"POST /api/v1/incidents/{id}/misses", people.WriteIncidents, body((*api).explainMiss)},
		{"GET /api/v1/incidents/{id}/reports", people.ReadReports, told((*api).listReports)},
		{"POST /api/v1/incidents/{id}/reports", people.DraftReports, makes((*api).draftReport)},
		{"GET /api/v1/incidents/{id}/export", people.ReadIncidents, contents[exporting](anyMedia, (*api).exportIncident)},
		{"GET /api/v1/reports/{report}", people.ReadReports, asked((*api).readReport)},
		{"PATCH /api/v1/reports/{report}", people.DraftReports, body((*api).writeReport)},
		{"GET /api/v1/reports/{report}/versions", people.ReadReports, told((*api).reportVersions)},
		{"GET /api/v1/reports/{report}/moved", people.ReadReports, told((*api).reportMoved)},
		{"GET /api/v1/reports/{report}/difference", people.ReadReports, asked((*api).compareReport)},
		{"GET /api/v1/reports/{report}/export", people.ReadReports, contents[exporting](anyMedia, (*api).exportReport)},
		{"POST /api/v1/reports/{report}/redraw", people.DraftReports, body((*api).redrawReport)},
		{"POST /api/v1/reports/{report}/review", people.DraftReports, body((*api).reviewReport)},
		{"POST /api/v1/reports/{report}/sign", people.SignReports, body((*api).signReport)},
		{"POST /api/v1/reports/{report}/submit", people.SignReports, body((*api).submitReport)},
		{"GET /api/v1/statistics/{year}", people.ReadReports, contents[exporting](anyMedia, (*api).exportStatistics)},
		{"GET /api/v1/regimes", people.ReadRegimes, told((*api).listRegimes)},
		{"GET /api/v1/regimes/{regime}", people.ReadRegimes, told((*api).readRegime)},
		{"POST /api/v1/regimes/{regime}/grade", people.ReadRegimes, body((*api).tryGrading).repeatable()},
		{"GET /api/v1/organisation", people.ReadOrganisation, told((*api).readOrganisation)},
		{"GET /api/v1/organisation/history", people.ReadOrganisation, told((*api).organisationHistory)},
		{"PUT /api/v1/organisation", people.ChangeOrganisation, body((*api).describeOrganisation)},

		{"GET /api/v1/messages", people.ReadNode, asked((*api).listMessages)},
		{"POST /api/v1/messages/{message}/retry", people.OperateNode, told((*api).retryMessage)},
		{"POST /api/v1/messages/{message}/discard", people.OperateNode, told((*api).discardMessage)},

		{"GET /api/v1/audit", people.ReadAudit, asked((*api).readAudit)},

		{"POST /api/v1/session", people.Public, described[Credentials, SignedIn](http.StatusCreated, (*api).signIn)},
		{"POST /api/v1/session/passkey/begin", people.Public, described[none, any](http.StatusOK, (*api).beginPasskey)},
		{"POST /api/v1/session/passkey", people.Public, described[any, SignedIn](http.StatusCreated, (*api).signInByPasskey)},
		{"GET /api/v1/session", people.KeepAccount, told((*api).whoAmI)},
		{"DELETE /api/v1/session", people.KeepAccount, described[none, nothing](http.StatusOK, (*api).signOut)},
		{"GET /api/v1/links/{secret}", people.Public, told((*api).readLink)},
		{"POST /api/v1/links/{secret}", people.Public, described[people.Entry, SignedIn](http.StatusCreated, (*api).useLink)},

		{"GET /api/v1/account", people.KeepAccount, told((*api).ownAccount)},
		{"POST /api/v1/account/password", people.KeepAccount, body((*api).changePassword)},
		{"GET /api/v1/account/sessions", people.KeepAccount, told((*api).ownSessions)},
		{"DELETE /api/v1/account/sessions/{id}", people.KeepAccount, told((*api).endOwnSession)},
		{"GET /api/v1/account/passkeys", people.KeepAccount, told((*api).listPasskeys)},
		{"POST /api/v1/account/passkeys/begin", people.KeepAccount, described[none, any](http.StatusOK, (*api).beginAddPasskey).repeatable()},
		{"POST /api/v1/account/passkeys", people.KeepAccount, makes((*api).addPasskey)},
		{"DELETE /api/v1/account/passkeys/{id}", people.KeepAccount, told((*api).removePasskey)},

		{"GET /api/v1/people", people.ReadPeople, told((*api).listPeople)},
		{"POST /api/v1/people", people.ManagePeople, makes((*api).invitePerson).secretive()},
		{"GET /api/v1/people/{name}", people.ReadPeople, told((*api).readPerson)},
		{"PATCH /api/v1/people/{name}", people.ManagePeople, body((*api).changePerson)},
		{"POST /api/v1/people/{name}/reset", people.ManagePeople, begets((*api).resetPerson).secretive()},
		{"GET /api/v1/people/{name}/sessions", people.ManagePeople, told((*api).listSessions)},
		{"DELETE /api/v1/people/{name}/sessions", people.ManagePeople, told((*api).endSessions)},
		{"DELETE /api/v1/people/{name}/sessions/{id}", people.ManagePeople, told((*api).endSession)},

		{"GET /api/v1/tokens", people.ManageTokens, told((*api).listTokens)},
		{"POST /api/v1/tokens", people.ManageTokens, makes((*api).createToken).secretive()},
		{"DELETE /api/v1/tokens/{id}", people.ManageTokens, told((*api).revokeToken)},

		{"GET /api/v1/roster", people.ReadRoster, asked((*api).readRoster)},
		{"GET /api/v1/roster/now", people.ReadRoster, asked((*api).onDuty)},
		{"POST /api/v1/roster/shifts", people.ManageRoster, makes((*api).addShift)},
		{"DELETE /api/v1/roster/shifts/{id}", people.ManageRoster, told((*api).endShift)},
		{"GET /api/v1/roster/rotations", people.ReadRoster, told((*api).listRotations)},
		{"POST /api/v1/roster/rotations", people.ManageRoster, makes((*api).addRotation)},
		{"DELETE /api/v1/roster/rotations/{id}", people.ManageRoster, asked((*api).endRotation)},
		{"GET /api/v1/roster/notes", people.ReadRoster, asked((*api).readNotes)},
		{"POST /api/v1/roster/notes", people.HandOver, makes((*api).handOver)},

		// Pages, for browsers.
		{"GET /pages/{file}", people.Public, page((*api).pageFile)},
		{"GET /sign-in", people.Public, page((*api).signInPage)},
		{"POST /sign-in", people.Public, page((*api).signInForm)},
		{"GET /sign-in/provider", people.Public, page((*api).toProvider)},
		{"GET /sign-in/provider/back", people.Public, page((*api).fromProvider)},
		{"GET /link/{secret}", people.Public, page((*api).linkPage)},
		{"POST /link/{secret}", people.Public, page((*api).linkForm)},
		{"POST /sign-out", people.KeepAccount, page((*api).signOutForm)},
		{"GET /account", people.KeepAccount, page((*api).accountPage)},
		{"POST /account/password", people.KeepAccount, page((*api).passwordForm)},
		{"POST /account/sessions/{id}/end", people.KeepAccount, page((*api).endSessionForm)},
		{"POST /account/passkeys/{id}/remove", people.KeepAccount, page((*api).removePasskeyForm)},
	}
}

package api

import (
	"net/http"

	"tocsin/internal/notify"
	"tocsin/people"
)

// messageFilter is the query of the list of messages.
type messageFilter struct {
	paging
	State notify.State `query:"state" doc:"Only messages that are waiting, sent, dead (failed for good: somebody has to look) or discarded."`
}

// listMessages tells what was to be told by mail and webhook, the last first.
func (a *api) listMessages(r *http.Request, q *messageFilter) (page paged[notify.Delivery], err error) {
	before, err := q.after()
	if err != nil {
		return page, err
	}
	most := min(q.most(), notify.MaxList)
	list, err := a.Messages.List(r.Context(), q.State, before, most)
	next := ""
	if len(list) == most {
		next = list[most-1].ID // the page after it may be empty
	}
	return pageOf(list, next), err
}

func (a *api) retryMessage(r *http.Request) (nothing, error) {
	return nothing{}, a.Messages.Retry(r.Context(), people.Actor(r.Context()), r.PathValue("message"))
}

func (a *api) discardMessage(r *http.Request) (nothing, error) {
	return nothing{}, a.Messages.Discard(r.Context(), people.Actor(r.Context()), r.PathValue("message"))
}

package api

import (
	"fmt"
	"log/slog"
	"net/http"

	"tocsin/alliance"
	"tocsin/alliance/link"
	"tocsin/internal/fault"
	"tocsin/people"
)

// bundleBytes bounds a file of a link: a few of the longest messages there are.
const bundleBytes = 1 << 30

// links returns the links of the node.
func (a *api) links() (*link.Links, error) {
	if a.Links == nil {
		return nil, fmt.Errorf("this node takes part in no alliance: %w", fault.NotFound)
	}
	return a.Links, nil
}

// linkOf reads the neighbour in a path. What is no node is not there.
func linkOf(r *http.Request) (alliance.NodeID, error) {
	node, err := alliance.ParseNodeID(r.PathValue("node"))
	if err != nil {
		return "", fmt.Errorf("%q is no node: %w", r.PathValue("node"), fault.NotFound)
	}
	return node, nil
}

// listNeighbourLinks tells how each link does.
func (a *api) listNeighbourLinks(r *http.Request, q *paging) (page paged[link.Health], err error) {
	links, err := a.links()
	if err != nil {
		return page, err
	}
	after, err := q.after()
	if err != nil {
		return page, err
	}
	most := q.most()
	list, err := links.Health(r.Context(), alliance.NodeID(after), most)
	next := ""
	if len(list) == most {
		next = string(list[most-1].Neighbour)
	}
	return pageOf(list, next), err
}

// NeighbourLink is one link, and what was refused of it last.
type NeighbourLink struct {
	link.Health
	// Refused are the messages that this node refused last.
	Refused []link.RefusedMessage `json:"refused,omitempty"`
}

func (a *api) readNeighbourLink(r *http.Request) (shown NeighbourLink, err error) {
	links, err := a.links()
	if err != nil {
		return shown, err
	}
	node, err := linkOf(r)
	if err != nil {
		return shown, err
	}
	shown.Health, shown.Refused, err = links.Link(r.Context(), node)
	return shown, err
}

// whyQuery asks where a message is.
type whyQuery struct {
	Message string `query:"message" doc:"The ID of the message."`
}

// WhyNot says in words where a message is.
type WhyNot struct {
	Text string `json:"text"`
}

func (a *api) whyNotThere(r *http.Request, q *whyQuery) (why WhyNot, err error) {
	links, err := a.links()
	if err != nil {
		return why, err
	}
	node, err := linkOf(r)
	if err != nil {
		return why, err
	}
	if q.Message == "" {
		return why, fmt.Errorf("say which message: %w", fault.Invalid)
	}
	why.Text, err = links.Why(r.Context(), q.Message, node)
	return why, err
}

// exportQuery says what of a link goes into a file.
type exportQuery struct {
	Since int64 `query:"since" doc:"Everything after this position, though it was confirmed; without it what is not confirmed."`
}

// exportLink writes what goes to a neighbour as a file. Once it has begun an error
// breaks the answer off.
func (a *api) exportLink(w http.ResponseWriter, r *http.Request) error {
	links, err := a.links()
	if err != nil {
		return err
	}
	node, err := linkOf(r)
	if err != nil {
		return err
	}
	var q exportQuery
	if err := readQuery(r.URL.Query(), &q); err != nil {
		return err
	}
	if !r.URL.Query().Has("since") {
		q.Since = -1
	}
	w.Header().Set("Content-Type", anyMedia)
	w.Header().Set("Cache-Control", "no-store")
	to := &begun{ResponseWriter: w}
	done, err := links.Export(r.Context(), node, to, q.Since)
	if err != nil {
		if !to.yes {
			return err
		}
		a.Log.ErrorContext(r.Context(), "a link's export is broken off", slog.Any("error", err))
		panic(http.ErrAbortHandler)
	}
	a.Log.InfoContext(r.Context(), "a link was exported", slog.String("neighbour", string(node)), slog.Int("messages", done.Messages),
		slog.String("by", people.From(r.Context()).Name))
	return nil
}

// importLink takes in a file that a neighbour exported.
func (a *api) importLink(w http.ResponseWriter, r *http.Request) error {
	links, err := a.links()
	if err != nil {
		return err
	}
	done, err := links.Import(r.Context(), r.Body)
	if err != nil {
		return err
	}
	a.Log.InfoContext(r.Context(), "a link was imported", slog.String("neighbour", string(done.From)), slog.Int("frames", done.Frames),
		slog.String("by", people.From(r.Context()).Name))
	return write(w, r, http.StatusOK, done)
}

// resendMessage sends a message again that a neighbour refused.
func (a *api) resendMessage(r *http.Request) (nothing, error) {
	links, err := a.links()
	if err != nil {
		return nothing{}, err
	}
	node, err := linkOf(r)
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, links.SendAgain(r.Context(), people.Actor(r.Context()), r.PathValue("message"), node)
}

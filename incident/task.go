package incident

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// TaskState is what became of a task.
type TaskState string

// The states of a task.
const (
	TaskOpen    TaskState = "open"
	TaskDone    TaskState = "done"
	TaskDropped TaskState = "dropped" // with a reason
)

// Task is something to be done about an incident.
type Task struct {
	ID       string    `json:"id"`
	Incident string    `json:"incident"`
	Title    string    `json:"title"`
	Detail   string    `json:"detail,omitempty"`
	Duty     string    `json:"duty,omitempty"` // the duty of a plan that it stands for, once an incident
	Assignee string    `json:"assignee,omitempty"`
	Due      time.Time `json:"due,omitzero"`
	State    TaskState `json:"state"`
	Why      string    `json:"why,omitempty"`
	Made     time.Time `json:"made"`
	Ended    time.Time `json:"ended,omitzero"`
}

// AddTask adds a task, of which Title, Detail, Duty, Assignee and Due count. A
// duty that the incident has already is not added again.
func (r *Register) AddTask(ctx context.Context, c Change, t Task) (Incident, error) {
	return r.change(ctx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		return r.AddTaskIn(ctx, tx, c.Who, i, t)
	})
}

// AddTaskIn is AddTask inside a transaction, for Config.Opened and
// Config.Changed.
func (r *Register) AddTaskIn(ctx context.Context, tx *store.Tx, who Who, i *Incident, t Task) error {
	if err := checkTexts(text{"title", &t.Title, maxTitle, true}, text{"detail", &t.Detail, maxText, false},
		text{"assignee", &t.Assignee, maxShort, false}, text{"duty", &t.Duty, maxShort, false}); err != nil {
		return err
	}
	t.ID, t.Incident, t.State, t.Made = r.ids.Next(r.now()), i.ID, TaskOpen, r.now()
	added, err := insertTask(ctx, tx, &t)
	if err != nil || !added {
		return err
	}
	i.tasksOpen++
	words := "to do: " + t.Title
	if t.Assignee != "" {
		words += ", by " + t.Assignee
	}
	return r.tell(ctx, tx, Change{Who: who}, i, &Entry{Kind: EntryTask, Text: words, Data: object("task", t.ID, "duty", t.Duty)})
}

// EndTask says that a task is done, or dropped with Change.Why. The error is
// fault.Conflict for one that had ended.
func (r *Register) EndTask(ctx context.Context, c Change, id string, to TaskState) (Incident, error) {
	if to != TaskDone && to != TaskDropped {
		return Incident{}, fmt.Errorf("task state %q: use done or dropped: %w", to, fault.Invalid)
	}
	if to == TaskDropped && c.Why == "" {
		return Incident{}, fmt.Errorf("a task is dropped with a reason: say why: %w", fault.Invalid)
	}
	return r.change(ctx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		t, err := r.task(ctx, tx, i, id)
		if err != nil {
			return err
		}
		if t.State != TaskOpen {
			return fmt.Errorf("task %q is %s: %w", t.Title, t.State, fault.Conflict)
		}
		t.State, t.Why, t.Ended = to, c.Why, r.now()
		if err := updateTask(ctx, tx, &t); err != nil {
			return err
		}
		i.tasksOpen--
		return r.tell(ctx, tx, c, i, &Entry{Kind: EntryTask, Text: string(to) + ": " + t.Title, Data: object("task", t.ID, "state", to)})
	})
}

// AssignTask says who does a task.
func (r *Register) AssignTask(ctx context.Context, c Change, id, assignee string) (Incident, error) {
	if err := checkTexts(text{"assignee", &assignee, maxShort, false}); err != nil {
		return Incident{}, err
	}
	return r.change(ctx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		t, err := r.task(ctx, tx, i, id)
		if err != nil || t.Assignee == assignee {
			return err
		}
		t.Assignee = assignee
		if err := updateTask(ctx, tx, &t); err != nil {
			return err
		}
		return r.tell(ctx, tx, c, i, &Entry{Kind: EntryTask, Text: t.Title + ": by " + cmp.Or(assignee, "nobody"), Data: object("task", t.ID, "assignee", assignee)})
	})
}

func (r *Register) task(ctx context.Context, tx *store.Tx, i *Incident, id string) (Task, error) {
	t, ok, err := selectTask(ctx, tx, i.ID, id)
	if err == nil && !ok {
		err = fmt.Errorf("incident %s has no task %.80q: %w", i.Number, id, fault.NotFound)
	}
	return t, err
}

// Tasks returns the tasks of an incident, oldest first.
func (r *Register) Tasks(ctx context.Context, id string) (tasks []Task, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		tasks, err = selectTasks(ctx, tx, id)
		return err
	})
	return tasks, err
}

package warning_test

import (
	"errors"
	"testing"

	"tocsin/alliance/warning"
	"tocsin/internal/fault"
)

func TestEachOwnerIsToldOfItsOwnAddresses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		list := warning.AddressList{Title: "Hosts that spread the worm", List: "# seen today\n192.0.2.7, since 08:12\n198.51.100.9\nhospital[.]example\tscans\nnothing to see\n192.0.2.7 again\n"}
		s := must[warning.Split](t)(o.Split(t.Context(), list))
		if len(s.Parts) != 1 || len(s.Parts[0].Items) != 2 || s.Parts[0].Told || len(s.Unowned) != 1 || len(s.Unread) != 1 {
			t.Fatalf("split into %+v", s)
		}
		if note := s.Parts[0].Items[0].Note; note != "since 08:12; again" {
			t.Errorf("note %q", note)
		}
		if len(o.sent) != 0 {
			t.Error("a preview was sent")
		}
		if _, err := o.TellOwners(t.Context(), dan, list); !errors.Is(err, fault.Forbidden) {
			t.Errorf("a duty officer told owners: %v", err)
		}
		s = must[warning.Split](t)(o.TellOwners(t.Context(), ann, list))
		if !s.Parts[0].Told || len(o.sent) != 1 {
			t.Fatalf("told %+v, %d sent", s, len(o.sent))
		}
		if err := o.hand(o.sent[0], o.inbox.up, o.inbox.Addresses); err != nil {
			t.Fatal(err)
		}
		got := must[[]warning.AddressNotice](t)(o.inbox.Notices(t.Context()))
		if len(got) != 1 || len(got[0].Items) != 2 || got[0].From != o.self.ID() || !contains(o.told(), warning.NoticeAddresses) {
			t.Errorf("came as %+v", got)
		}
	})
}

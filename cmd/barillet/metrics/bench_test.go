package metrics_test

import (
	"testing"
	"time"

	"barillet/cmd/barillet/metrics"
	"barillet/internal/audit"
)

// BenchmarkSecondStep is what the metrics add to one second step: a request, a commit of its own, and two events.
func BenchmarkSecondStep(b *testing.B) {
	m := metrics.New(metrics.Source{Now: time.Now})
	user := audit.Actor{Type: audit.TypeUser, ID: "u4k2m9qhs7r3v6xy", Name: "ines.rossignol@garage.example"}
	e := audit.Event{Actor: user, Subject: user.ID, SubjectName: user.Name, Action: audit.FactorProven, Outcome: audit.Success, Reason: "totp", Address: "192.0.2.10",
		Agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36", Request: "WJF7WMOZJ5COSPEX"}
	session := e
	session.Action, session.Reason = audit.SessionStart, ""
	id := audit.NewID(start)
	ids, records := []string{id, id}, []audit.Record{audit.NewRecord(e, audit.Leaf{Lane: e.Lane()}), audit.NewRecord(session, audit.Leaf{Lane: session.Lane()})}
	for b.Loop() {
		end := m.Commit()
		end(1, nil)
		m.Committed(ids, records)
		m.Request("POST /login/factor", 303, time.Millisecond)
	}
}

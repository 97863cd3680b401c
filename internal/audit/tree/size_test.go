package tree

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"barillet/internal/audit"
	"barillet/store"
)

// signInEvent is an event of a typical sign-in of one of many users.
func signInEvent(n int, rng *rand.Rand) audit.Event {
	user, request := fmt.Sprintf("u%026d", rng.IntN(20_000)), fmt.Sprintf("%026x", rng.Uint64())
	name := "prenom.nom" + user[21:] + "@garage.example"
	e := audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: user, Name: name}, Subject: user, SubjectName: name, Outcome: audit.Success,
		Address: "203.0.113.77", Request: request, Agent: "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"}
	switch n % 3 {
	case 0:
		e.Action = audit.PasswordProven
	case 1:
		e.Action, e.Targets = audit.FactorProven, []audit.Actor{{Type: audit.TypeDevice, ID: "d" + user[1:], Name: "Téléphone"}}
	default:
		e.Action, e.Session = audit.SessionStart, fmt.Sprintf("%016x", rng.Uint64())
	}
	return e
}

// BenchmarkSize reports the growth of the file by 100,000 events of sign-ins, in all and by table.
func BenchmarkSize(b *testing.B) {
	const n, part = 100_000, 30
	for b.Loop() {
		f := newFixture(b)
		rng := rand.New(rand.NewPCG(1, 2))
		before := must(os.Stat(f.path)).Size()
		for first := 0; first < n; first += part {
			f.update(func(tx store.Tx) error {
				for i := range part {
					at := start.Add(time.Duration(first+i) * time.Millisecond)
					id := at.Format(store.TimeLayout) + fmt.Sprintf("-%016x", rng.Uint64())
					if err := f.log.Append(tx, id, signInEvent(first+i, rng)); err != nil {
						return err
					}
				}
				return nil
			})
			if first%3000 == 0 {
				f.advance()
			}
		}
		f.advance()
		b.ReportMetric(float64(must(os.Stat(f.path)).Size()-before)/n, "file-B/event")
		bytes := map[string]int{}
		err := f.s.View(context.Background(), func(s store.Snapshot) error {
			return s.Scan("audit", "", 0, func(key string, value []byte) error {
				table, _, _ := strings.Cut(key, "/")
				bytes[table] += len(key) + len(value) + 16 // of the page
				return nil
			})
		})
		if err != nil {
			b.Fatal(err)
		}
		for table, total := range bytes {
			b.ReportMetric(float64(total)/n, table+"-B/event")
		}
	}
}

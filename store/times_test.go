package store_test

import (
	"testing"
	"time"

	"barillet/store"
)

// visit is a record with a time of each kind.
type visit struct {
	At      time.Time   `json:"at"`
	Until   time.Time   `json:"until" since:"At"`
	Soon    time.Time   `json:"soon" ahead:"10m"`
	Began   time.Time   `json:"began" within:"1h"`
	Printed time.Time   `json:"printed" ahead:"any"`
	Limit   []time.Time `json:"limit" within:"any"`
	Inner   *step       `json:"inner,omitempty" ahead:"any"`
	Last    *step       `json:"last,omitempty"`
	None    time.Time   `json:"none,omitzero"`
}

type step struct {
	At time.Time `json:"at"`
}

func visitAt(at time.Time) visit {
	return visit{At: at, Until: at.Add(time.Hour), Soon: at.Add(10 * time.Minute), Began: at, Printed: at, Limit: []time.Time{at}, Last: &step{at}}
}

func TestTable_CorrectsTimesOfAClockThatWasAhead(t *testing.T) {
	for _, c := range []struct {
		name  string
		ahead time.Duration
		want  func(v *visit, now time.Time) // changes what was written
	}{
		{"right", 0, func(*visit, time.Time) {}},
		{"ten minutes", 10 * time.Minute, func(v *visit, now time.Time) { *v = visitAt(now); v.Printed = now.Add(10 * time.Minute) }},
		{"two hours", 2 * time.Hour, func(v *visit, now time.Time) {
			*v = visitAt(now)
			v.Printed, v.Began = now.Add(2*time.Hour), now.Add(2*time.Hour)
		}},
		{"two days", 48 * time.Hour, func(v *visit, now time.Time) { v.Limit[0] = now }},
	} {
		t.Run(c.name, func(t *testing.T) {
			file, clock := open(t), now.Add(c.ahead)
			ring := openKeyring(t, file, store.NewRootKeys())
			visits := store.NewTable[visit](ring, store.Users)
			s := ring.CorrectTimes(file, func() time.Time { return clock })
			err := s.Update(background, func(tx store.Tx) error { return visits.Put(tx, "1", visitAt(clock)) })
			if err != nil {
				t.Fatal(err)
			}
			want := visitAt(clock)
			clock = now
			c.want(&want, now)
			check := func(doing string) {
				t.Helper()
				var got visit
				err := s.View(background, func(snap store.Snapshot) (err error) {
					got, err = visits.Get(snap, "1")
					return err
				})
				if err != nil || !equal(got, want) {
					t.Errorf("%s: got %+v, %v, want %+v", doing, got, err, want)
				}
			}
			before := get(t, file, "user/1")
			check("at once")
			if stored := string(get(t, file, "user/1")) != string(before); stored != (c.ahead > 0) {
				t.Errorf("a correction was stored: %v", stored)
			}
			clock = now.Add(time.Minute)
			if c.ahead != 48*time.Hour && c.ahead != 2*time.Hour {
				check("a minute later")
			}
		})
	}
}

func equal(a, b visit) bool {
	return a.At.Equal(b.At) && a.Until.Equal(b.Until) && a.Soon.Equal(b.Soon) && a.Began.Equal(b.Began) && a.Printed.Equal(b.Printed) &&
		a.Limit[0].Equal(b.Limit[0]) && a.Last.At.Equal(b.Last.At) && a.None.IsZero()
}

func TestCorrectTimes_StoresTheCorrectionOfAnUpdateThatFails(t *testing.T) {
	file, clock := open(t), now.Add(time.Hour)
	ring := openKeyring(t, file, store.NewRootKeys())
	steps := store.NewTable[step](ring, store.Users)
	s := ring.CorrectTimes(file, func() time.Time { return clock })
	if err := s.Update(background, func(tx store.Tx) error { return steps.Put(tx, "1", step{clock}) }); err != nil {
		t.Fatal(err)
	}
	clock = now
	_ = s.Update(background, func(tx store.Tx) error {
		_, err := steps.Get(tx, "1")
		if err != nil {
			t.Error(err)
		}
		return store.ErrConflict
	})
	clock = now.Add(30 * time.Minute)
	err := s.View(background, func(snap store.Snapshot) error {
		got, err := steps.Get(snap, "1")
		if !got.At.Equal(now) {
			t.Errorf("half an hour later: got %v, want %v", got.At, now)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCorrectAll_CorrectsRecordsThatNobodyReads(t *testing.T) {
	file, clock := open(t), now.Add(time.Hour)
	ring := openKeyring(t, file, store.NewRootKeys())
	users, groups := store.NewTable[step](ring, store.Users), store.NewTable[step](ring, store.Groups)
	s := ring.CorrectTimes(file, func() time.Time { return clock })
	err := s.Update(background, func(tx store.Tx) error {
		if err := users.Put(tx, "1", step{clock}); err != nil {
			return err
		}
		return groups.Put(tx, "1", step{clock})
	})
	if err != nil {
		t.Fatal(err)
	}
	clock = now
	if err := ring.CorrectAll(background, s); err != nil {
		t.Fatal(err)
	}
	clock = now.Add(30 * time.Minute)
	for _, table := range []store.Table[step]{users, groups} {
		err := s.View(background, func(snap store.Snapshot) error {
			got, err := table.Get(snap, "1")
			if !got.At.Equal(now) {
				t.Errorf("%s: got %v, want %v", table.Key("1"), got.At, now)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewTable_PanicsForADeadlineWithoutATag(t *testing.T) {
	ring := openKeyring(t, open(t), store.NewRootKeys())
	for name, newTable := range map[string]func(){
		"Expires":   func() { store.NewTable[struct{ Expires time.Time }](ring, store.Users) },
		"WaitUntil": func() { store.NewTable[struct{ WaitUntil time.Time }](ring, store.Users) },
		"in a list": func() {
			store.NewTable[struct {
				All []struct{ NotBefore time.Time }
			}](ring, store.Users)
		},
		"of a pointer": func() {
			store.NewTable[struct {
				One *struct{ ExpiresAt time.Time }
			}](ring, store.Users)
		},
		"unknown event": func() {
			store.NewTable[struct {
				Until time.Time `since:"Made"`
			}](ring, store.Users)
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("accepted, want a panic: the first reader would end the record")
				}
			}()
			newTable()
		})
	}
}

package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"barillet/store"
)

var errRefused = errors.New("refused")

// number returns the number under a key, 0 for a missing one.
func number(tx store.Reader, key string) (int, error) {
	raw, err := tx.Get(key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, err
	}
	n, _ := strconv.Atoi(string(raw))
	return n, nil
}

func setNumber(tx store.Tx, key string, n int) error { return tx.Put(key, []byte(strconv.Itoa(n))) }

// maxRefused ends a flood that nothing else ends. An honest Update takes the time of a few thousand.
const maxRefused = 2_000_000

// besideFlood runs one honest Update while 32 goroutines call Update with a closure that is refused again and again. It counts
// refusals instead of time: the honest Update must return while the flood goes on.
func besideFlood(t *testing.T, s store.Store, refusal func(store.Tx) error) {
	var refused atomic.Int64
	var all, begun sync.WaitGroup
	stop := make(chan struct{})
	for range 32 {
		begun.Add(1)
		all.Go(func() {
			began := sync.OnceFunc(begun.Done)
			defer began()
			for ; refused.Load() < maxRefused; began() {
				select {
				case <-stop:
					return
				default:
				}
				switch err := s.Update(background, refusal); {
				case errors.Is(err, errRefused):
					refused.Add(1)
				case err != nil:
					t.Error(err)
					return
				}
			}
		})
	}
	begun.Wait()
	if err := increment(s, "a/honest"); err != nil {
		t.Error(err)
	}
	if refused.Load() >= maxRefused {
		t.Error("the honest update returned after the flood had ended")
	}
	close(stop)
	all.Wait()
	expect(t, s, "a/honest", "1")
}

func floodOfRefusals(t *testing.T, s store.Store) {
	put(t, s, "a/taken", "x")
	besideFlood(t, s, func(tx store.Tx) error {
		_, err := tx.Get("a/taken")
		return errors.Join(err, tx.Put("a/taken", []byte("again")), errRefused)
	})
	expect(t, s, "a/taken", "x")
}

// floodOfConflicts refuses only what meets the change of the honest Update before it is committed.
func floodOfConflicts(t *testing.T, s store.Store) {
	besideFlood(t, s, func(tx store.Tx) error {
		n, err := number(tx, "a/honest")
		if err != nil || n > 0 {
			return errors.Join(err, errRefused)
		}
		return tx.Put("a/flood", []byte("x"))
	})
}

// repeats changes a key between the reads of a closure and its end.
func repeats(t *testing.T, s store.Store) {
	for _, c := range []struct {
		name, want string
		second     error
	}{
		{"and succeeds", "rival", nil},
		{"and is refused", "", errRefused},
	} {
		put(t, s, "a/1", "first")
		runs := 0
		got, err := store.Do(background, s, func(tx store.Tx) (string, error) {
			runs++
			seen, err := tx.Get("a/1")
			if err != nil {
				return "", err
			}
			if runs == 1 {
				done := make(chan error)
				go func() {
					done <- s.Update(background, func(tx store.Tx) error { return tx.Put("a/1", []byte("rival")) })
				}()
				return string(seen), errors.Join(<-done, tx.Put("a/2", seen))
			}
			return string(seen), errors.Join(c.second, tx.Put("a/2", seen))
		})
		if runs != 2 || got != c.want || !errors.Is(err, c.second) {
			t.Errorf("a closure runs twice %s: got %q, %v after %d runs, want %q, %v", c.name, got, err, runs, c.want, c.second)
		}
	}
	expect(t, s, "a/2", "rival")
}

// transfer moves an amount from one of the accounts to another, or from outside if From is negative.
type transfer struct{ From, To, Amount int }

func (m transfer) apply(tx store.Tx, prefix string) error {
	if m.From >= 0 {
		from := fmt.Sprint(prefix, m.From)
		have, err := number(tx, from)
		if err != nil {
			return err
		}
		if have < m.Amount {
			return errRefused
		}
		if err := setNumber(tx, from, have-m.Amount); err != nil {
			return err
		}
	}
	to := fmt.Sprint(prefix, m.To)
	have, err := number(tx, to)
	if err != nil {
		return err
	}
	return setNumber(tx, to, have+m.Amount)
}

// serial runs random transfers at once. Those that are numbered read their number in the same Update: the same transfers, one
// after another in that order, have the same balances. Without numbers fewer of them conflict, and no amount is lost.
func serial(t *testing.T, s store.Store) {
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		prefix, numbered := fmt.Sprintf("serial/%d/", round), rapid.Bool().Draw(rt, "numbered")
		moves := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) transfer {
			return transfer{rapid.IntRange(-2, 2).Draw(rt, "from"), rapid.IntRange(0, 2).Draw(rt, "to"), rapid.IntRange(1, 9).Draw(rt, "amount")}
		}), 2, 16).Draw(rt, "moves")
		order := make([]int, len(moves)) // of each transfer, 0: refused
		var all sync.WaitGroup
		for i, m := range moves {
			all.Go(func() {
				at, err := store.Do(background, s, func(tx store.Tx) (int, error) {
					if !numbered {
						return 1, m.apply(tx, prefix)
					}
					n, err := number(tx, prefix+"order")
					return n + 1, errors.Join(err, m.apply(tx, prefix), setNumber(tx, prefix+"order", n+1))
				})
				if order[i] = at; err != nil && !errors.Is(err, errRefused) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		checkBalances(rt, s, prefix, moves, order, numbered)
	})
}

func checkBalances(t *rapid.T, s store.Store, prefix string, moves []transfer, order []int, numbered bool) {
	var got, want [3]int
	err := s.View(background, func(snap store.Snapshot) (err error) {
		for i := range got {
			got[i], err = number(snap, fmt.Sprint(prefix, i))
			if err != nil || got[i] < 0 {
				return fmt.Errorf("account %d has %d: %w", i, got[i], err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var inOrder []int
	for i, at := range order {
		if at > 0 {
			inOrder = append(inOrder, i)
		}
	}
	slices.SortStableFunc(inOrder, func(a, b int) int { return order[a] - order[b] })
	for _, i := range inOrder {
		if m := moves[i]; m.From >= 0 {
			if want[m.From] -= m.Amount; numbered && want[m.From] < 0 {
				t.Fatalf("transfer %d, %+v, took more than there was", order[i], m)
			}
		}
		want[moves[i].To] += moves[i].Amount
	}
	if got != want {
		t.Fatalf("got balances %v, want %v of %v in the order %v", got, want, moves, order)
	}
}

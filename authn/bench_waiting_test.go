package authn_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"barillet/authn/authntest"
	"barillet/internal/mail"
	"barillet/store"
)

// BenchmarkSecondStepWaiting compares second steps while 10,000 emails wait for a mail server with second steps while none waits. The
// sender runs.
func BenchmarkSecondStepWaiting(b *testing.B) {
	for _, clients := range []int{8, 32} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			setGCAsInProgram(b)
			compare(b, clients, secondSteps(b, "waiting", clients, 10_000), secondSteps(b, "none", clients, 0))
		})
	}
}

// secondSteps returns a side with its own store, in which so many emails wait.
func secondSteps(b *testing.B, name string, clients, emails int) side {
	crowd := authntest.NewPopulation(b, min(1000+clients*400, 12000))
	for i := 0; i < emails; i += 50 {
		err := crowd.Store.Update(b.Context(), func(tx store.Tx) error {
			for j := range 50 {
				err := crowd.Outbox.Queue(tx, store.NewTimeID(crowd.Accounts.Now()), mail.Message{Template: "new_browser", Lang: "fr", Notice: true,
					To: []string{fmt.Sprintf("u%d@garage.test", i+j)}, Recipient: fmt.Sprint(i + j), Queued: crowd.Accounts.Now()})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	sender := &mail.Sender{Store: crowd.Store, Outbox: crowd.Outbox, Now: crowd.Accounts.Now, Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- sender.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	return side{name, func(b *testing.B) (func(int) error, int) {
		logins, code := crowd.StartSignIns(len(crowd.Users)), []byte(crowd.NextStep())
		return func(i int) error { return verify(b, crowd, i, logins[i], code) }, len(logins)
	}}
}

package web_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"barillet/authn/authntest"
)

// BenchmarkProgram is the built program itself: its size, how long after a clean stop until its first 200, its memory
// before the load, and what a sign-in adds to the file.
func BenchmarkProgram(b *testing.B) {
	s := openStage(b, nil)
	for b.Loop() { // once: it takes longer than -benchtime
		dir := copyDir(b, s.dir)
		before := inUse(b, dir)
		p := startProgram(b, dir)
		reportIdle(b, p)
		j := s.signIns(b)
		j.Clients, j.For = 64, max(4*legTime(), 4*time.Second)
		done := load(b, j, p).Done
		time.Sleep(2 * time.Second) // until its events have their numbers
		p.stop(b)
		b.ReportMetric(float64(inUse(b, dir)-before)/float64(done), "B/sign-in")
	}
	info, err := os.Stat(builtProgram(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(info.Size())/1e6, "binary-MB")
}

// BenchmarkProgramAtMillion is the start and the memory of the program on the store in STORE.
func BenchmarkProgramAtMillion(b *testing.B) {
	dir := os.Getenv("STORE")
	if dir == "" {
		b.Fatal("STORE is not set: use make million")
	}
	seeded := authntest.OpenSeeded(b, dir)
	for b.Loop() {
		startProgram(b, dir).stop(b)
		p := startProgram(b, dir)
		reportIdle(b, p)
		p.stop(b)
	}
	user, event := seeded.Growth()
	b.ReportMetric(user, "B/user")
	b.ReportMetric(event, "B/event")
	b.ReportMetric(0, "ns/op")
}

// reportIdle reports the start of a program that just started, and its memory after a second.
func reportIdle(b *testing.B, p *server) {
	b.Helper()
	b.ReportMetric(p.took.Seconds()*1e3, "start-ms")
	time.Sleep(time.Second)
	b.ReportMetric(p.memory(b, "VmRSS"), "idle-MiB")
	b.ReportMetric(p.memory(b, "RssAnon"), "idle-anon-MiB")
}

// inUse returns the bytes of the pages of a store at rest that are not free.
func inUse(b *testing.B, dir string) int64 {
	b.Helper()
	db, err := bbolt.Open(filepath.Join(dir, "barillet.db"), 0o600, &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin(false)
	if err != nil {
		b.Fatal(err)
	}
	defer tx.Rollback()
	return tx.Size() - int64(db.Stats().FreePageN)*int64(db.Info().PageSize)
}

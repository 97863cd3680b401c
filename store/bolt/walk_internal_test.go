package bolt

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

const testPageSize = 512

// pages are the pages of a file, the first two of which no walk reads.
type pages [][]byte

// newPages returns a root with two leaves, the second of which has a small bucket and one with a page of its own.
func newPages() pages {
	p := pages{nil, nil, nil, nil, nil, nil}
	p[2] = newPage(2, branchPage, child("a", 3), child("m", 4))
	p[3] = newPage(3, leafPage, entry{"a", "1", 0}, entry{"b", "2", 0})
	bucket := make([]byte, 16, 64)
	bucket = append(bucket, newPage(0, leafPage, entry{"x", "1", 0}, entry{"y", "2", 0})[:64]...)
	own := make([]byte, 16)
	binary.NativeEndian.PutUint64(own, 5)
	p[4] = newPage(4, leafPage, entry{"m", string(bucket), bucketLeaf}, entry{"n", string(own), bucketLeaf})
	p[5] = newPage(5, leafPage, entry{"k", "3", 0})
	return p
}

// entry is an element of a page: of a leaf, or of a branch, where the value is the id of a page.
type entry struct {
	key, value string
	flags      uint32
}

func child(key string, id uint64) entry {
	return entry{key, string(binary.NativeEndian.AppendUint64(nil, id)), 0}
}

func newPage(id uint64, flags uint16, entries ...entry) []byte {
	p, order := make([]byte, testPageSize), binary.NativeEndian
	order.PutUint64(p, id)
	order.PutUint16(p[8:], flags)
	order.PutUint16(p[10:], uint16(len(entries)))
	at := pageHeader + len(entries)*pageElement
	for i, e := range entries {
		start := pageHeader + i*pageElement
		raw := p[start:]
		if flags == branchPage {
			order.PutUint32(raw, uint32(at-start))
			order.PutUint32(raw[4:], uint32(len(e.key)))
			copy(raw[8:16], e.value)
			at += copy(p[at:], e.key)
			continue
		}
		order.PutUint32(raw, e.flags)
		order.PutUint32(raw[4:], uint32(at-start))
		order.PutUint32(raw[8:], uint32(len(e.key)))
		order.PutUint32(raw[12:], uint32(len(e.value)))
		at += copy(p[at:], e.key+e.value)
	}
	return p
}

func (p pages) walk() error { return p.walkOf(int64(len(p))) }

// walkOf walks the pages as those of a file with more.
func (p pages) walkOf(highest int64) error {
	file := make([]byte, 0, len(p)*testPageSize)
	for _, page := range p {
		file = append(file, append(page, make([]byte, testPageSize-len(page))...)...)
	}
	return walkPages(bytes.NewReader(file), meta{pageSize: testPageSize, highest: highest, root: 2})
}

// A page that bbolt would follow to a wrong place is found before the file is mapped.
func TestWalkPages_NamesTheReasonOfEachGuard(t *testing.T) {
	if err := newPages().walk(); err != nil {
		t.Fatalf("intact pages: %v", err)
	}
	order := binary.NativeEndian
	for name, guard := range map[string]struct {
		damage func(p pages)
		reason string
	}{
		"a page has the id of another":      {func(p pages) { order.PutUint64(p[3], 4) }, "page 3 has an invalid header"},
		"a page continues beyond the end":   {func(p pages) { order.PutUint32(p[5][12:], 1) }, "page 5 has an invalid header"},
		"a page continues in another":       {func(p pages) { order.PutUint32(p[3][12:], 1) }, "page 4 is used twice"},
		"two elements have one page":        {func(p pages) { p[2] = newPage(2, branchPage, child("a", 3), child("m", 3)) }, "page 3 is used twice"},
		"a page is its own child":           {func(p pages) { p[2] = newPage(2, branchPage, child("a", 2)) }, "page 2 is used twice"},
		"a child is a meta page":            {func(p pages) { p[2] = newPage(2, branchPage, child("a", 1)) }, "page 1 does not exist"},
		"a child is beyond the end":         {func(p pages) { p[2] = newPage(2, branchPage, child("a", 6)) }, "page 6 does not exist"},
		"a page is of no kind":              {func(p pages) { order.PutUint16(p[3][8:], 0x10) }, "invalid header"},
		"a branch is empty":                 {func(p pages) { order.PutUint16(p[2][10:], 0) }, "invalid header"},
		"a page has more elements than fit": {func(p pages) { order.PutUint16(p[3][10:], 40) }, "invalid header"},
		"a key is beyond its page":          {func(p pages) { order.PutUint32(p[3][pageHeader+4:], testPageSize) }, "invalid element"},
		"a key of a branch is beyond it":    {func(p pages) { order.PutUint32(p[2][pageHeader:], testPageSize) }, "invalid element"},
		"two keys are equal":                {func(p pages) { p[3] = newPage(3, leafPage, entry{"a", "1", 0}, entry{"a", "2", 0}) }, "keys are not in order"},
		"a key is below its branch":         {func(p pages) { p[4] = newPage(4, leafPage, entry{"l", "1", 0}) }, "keys are not in order"},
		"a key is in the next branch":       {func(p pages) { p[3] = newPage(3, leafPage, entry{"a", "1", 0}, entry{"m", "2", 0}) }, "keys are not in order"},
		"a bucket is shorter than its head": {func(p pages) { p[4] = newPage(4, leafPage, entry{"m", "12345678", bucketLeaf}) }, "invalid element"},
		"a small bucket has no page":        {func(p pages) { p[4] = newPage(4, leafPage, entry{"m", strings.Repeat("\x00", 20), bucketLeaf}) }, "invalid element"},
		"a small bucket is no leaf":         {func(p pages) { p[4] = newPage(4, leafPage, entry{"m", strings.Repeat("\x00", 40), bucketLeaf}) }, "invalid element"},
		"a bucket has the page of a record": {func(p pages) {
			p[4] = newPage(4, leafPage, entry{"m", child("", 3).value + strings.Repeat("\x00", 8), bucketLeaf})
		}, "page 3 is used twice"},
		"a key of a bucket is beyond itself": {func(p pages) { order.PutUint32(p[5][pageHeader+12:], testPageSize) }, "invalid element"},
	} {
		p := newPages()
		guard.damage(p)
		if err := p.walk(); err == nil || !strings.Contains(err.Error(), guard.reason) {
			t.Errorf("%s: got %v, want %q", name, err, guard.reason)
		}
	}
}

// A damaged header of a large file claims gigabytes. The walk refuses it, without memory for them.
func TestWalkPages_RefusesAPageThatIsLargerThanAnyRecords(t *testing.T) {
	p := newPages()
	const claimed = 1 << 20
	binary.NativeEndian.PutUint32(p[3][12:], claimed)
	if err := p.walkOf(2 * claimed); err == nil || !strings.Contains(err.Error(), "page 3 has an invalid header") {
		t.Errorf("got %v, want an invalid header", err)
	}
}

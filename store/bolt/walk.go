package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"barillet/store"
)

// The pages of bbolt v1.5 (internal/common/page.go). A page begins with a header: its id, flags, number of elements, and number of
// further pages. Elements of 16 bytes follow, which say where their key and value are, from their own position.
const (
	pageHeader  = 16
	pageElement = 16
	branchPage  = 0x01
	leafPage    = 0x02
	bucketLeaf  = 0x01 // flag of an element: the value is a bucket
	maxDepth    = 64
	noFreeList  = ^uint64(0) // page id of a list that was not stored

	// maxPage is the largest page: bbolt does not split one of four elements.
	maxPage = pageHeader + 4*(pageElement+store.MaxKey+store.MaxValue)
)

// walk checks the pages of a file that has no list of free pages, before it is mapped. bbolt checks them once more while it looks for
// the free pages, but in a goroutine of its own, where a panic would end the process without advice.
type walk struct {
	f     io.ReaderAt
	meta  meta
	seen  []bool   // by page
	pages [][]byte // buffers by depth
}

func walkPages(f io.ReaderAt, m meta) error {
	w := &walk{f: f, meta: m, seen: make([]bool, m.highest)}
	return w.page(m.root, 0, nil, nil)
}

// page checks a page and those below it. Their keys are at least low and below high, unless these are nil.
func (w *walk) page(id uint64, depth int, low, high []byte) error {
	if depth >= maxDepth {
		return errors.New("the tree is too deep")
	}
	for len(w.pages) <= depth {
		w.pages = append(w.pages, make([]byte, w.meta.pageSize))
	}
	p, order := w.pages[depth][:w.meta.pageSize], binary.NativeEndian
	if err := w.read(p, id); err != nil {
		return err
	}
	more := int64(order.Uint32(p[12:]))
	if order.Uint64(p) != id || int64(id)+more >= w.meta.highest || more*w.meta.pageSize >= maxPage {
		return fmt.Errorf("page %d has an invalid header", id)
	}
	for i := range more + 1 {
		if w.seen[int64(id)+i] {
			return fmt.Errorf("page %d is used twice", int64(id)+i)
		}
		w.seen[int64(id)+i] = true
	}
	if more > 0 {
		if size := (more + 1) * w.meta.pageSize; int64(cap(w.pages[depth])) < size {
			w.pages[depth] = make([]byte, size)
		}
		p = w.pages[depth][:(more+1)*w.meta.pageSize]
		if err := w.read(p, id); err != nil {
			return err
		}
	}
	if err := w.elements(p, depth, low, high); err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

func (w *walk) read(p []byte, id uint64) error {
	if id < 2 || id >= uint64(w.meta.highest) {
		return fmt.Errorf("page %d does not exist", id)
	}
	if _, err := w.f.ReadAt(p, int64(id)*w.meta.pageSize); err != nil {
		return fmt.Errorf("reading page %d: %w", id, err)
	}
	return nil
}

// elements checks the elements of a page, or of a small bucket inside a value.
func (w *walk) elements(p []byte, depth int, low, high []byte) error {
	flags, count := binary.NativeEndian.Uint16(p[8:]), int(binary.NativeEndian.Uint16(p[10:]))
	if flags != branchPage && flags != leafPage || flags == branchPage && count == 0 || pageHeader+count*pageElement > len(p) {
		return errors.New("invalid header")
	}
	for i := range count {
		e, err := elementOf(p, i, flags)
		if err != nil {
			return err
		}
		if i == 0 && low != nil && bytes.Compare(e.key, low) < 0 || i > 0 && bytes.Compare(e.key, low) <= 0 ||
			high != nil && bytes.Compare(e.key, high) >= 0 {
			return errors.New("keys are not in order")
		}
		low = e.key
		switch {
		case flags == branchPage:
			below := high
			if i+1 < count {
				next, err := elementOf(p, i+1, flags)
				if err != nil {
					return err
				}
				below = next.key
			}
			err = w.page(e.child, depth+1, e.key, below)
		case e.isBucket:
			err = w.bucket(e.value, depth)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket checks the bucket in a value: the id of its root page and a sequence, or a page inside the value.
func (w *walk) bucket(value []byte, depth int) error {
	const header = 16
	if len(value) < header {
		return errElement
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return w.page(root, depth+1, nil, nil)
	}
	if len(value) < header+pageHeader || binary.NativeEndian.Uint16(value[header+8:]) != leafPage || depth >= maxDepth {
		return errElement
	}
	return w.elements(value[header:], depth+1, nil, nil)
}

// element is an element of a page.
type element struct {
	key, value []byte
	child      uint64 // of a branch page
	isBucket   bool
}

var errElement = errors.New("invalid element")

func elementOf(p []byte, i int, flags uint16) (element, error) {
	at, order := pageHeader+i*pageElement, binary.NativeEndian
	raw := p[at:]
	if flags == branchPage {
		key := at + int(order.Uint32(raw))
		end := key + int(order.Uint32(raw[4:]))
		if end > len(p) {
			return element{}, errElement
		}
		return element{key: p[key:end], child: order.Uint64(raw[8:])}, nil
	}
	key := at + int(order.Uint32(raw[4:]))
	value := key + int(order.Uint32(raw[8:]))
	end := value + int(order.Uint32(raw[12:]))
	if end > len(p) {
		return element{}, errElement
	}
	return element{key: p[key:value], value: p[value:end], isBucket: order.Uint32(raw)&bucketLeaf != 0}, nil
}

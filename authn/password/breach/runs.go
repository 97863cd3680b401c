package breach

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

const (
	runLength = 4 << 20 // keys, 32 MiB in memory
	keySize   = keyBits / 8
	runBuffer = 64 << 10 // bytes, of each run that is merged
)

// runs is a temporary file with sorted runs of keys.
type runs struct {
	file  *os.File
	total uint64
	ends  []int64
}

// writeRuns reads a list and writes its keys in sorted runs. A sorted list needs no other treatment.
func writeRuns(ctx context.Context, dir string, list *listReader, length int) (*runs, error) {
	file, err := os.CreateTemp(dir, Name+".runs-*")
	if err != nil {
		return nil, fmt.Errorf("creating a temporary file: %w", err)
	}
	os.Remove(file.Name()) // Unix: a killed import leaves no file; where this fails, close removes it
	r := &runs{file: file}
	keys := make([]uint64, 0, length)
	for end := false; !end; {
		key, err := list.next()
		end = errors.Is(err, io.EOF)
		if err != nil && !end {
			return nil, errors.Join(err, r.close())
		}
		if !end {
			keys = append(keys, key)
		}
		if len(keys) == length || end && len(keys) > 0 {
			if err := errors.Join(ctx.Err(), r.write(keys)); err != nil {
				return nil, errors.Join(err, r.close())
			}
			keys = keys[:0]
		}
	}
	return r, nil
}

func (r *runs) write(keys []uint64) error {
	slices.Sort(keys)
	w := bufio.NewWriterSize(r.file, bufferSize)
	size := int64(0)
	for _, key := range slices.Compact(keys) {
		w.Write(binary.BigEndian.AppendUint64(nil, key)[8-keySize:])
		size += keySize
		r.total++
	}
	if n := len(r.ends); n > 0 {
		size += r.ends[n-1]
	}
	r.ends = append(r.ends, size)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("writing a temporary file: %w", err)
	}
	return nil
}

// merge calls each for all keys, in their order. A key of several runs comes several times.
func (r *runs) merge(each func(key uint64) error) error {
	heap := make([]run, 0, len(r.ends))
	start := int64(0)
	for _, end := range r.ends {
		one := run{keys: bufio.NewReaderSize(io.NewSectionReader(r.file, start, end-start), runBuffer)}
		if _, err := one.advance(); err != nil {
			return err
		}
		heap = append(heap, one)
		start = end
	}
	for at := len(heap)/2 - 1; at >= 0; at-- {
		down(heap, at)
	}
	for len(heap) > 0 {
		if err := each(heap[0].key); err != nil {
			return err
		}
		more, err := heap[0].advance()
		if err != nil {
			return err
		}
		if !more {
			heap[0] = heap[len(heap)-1]
			heap = heap[:len(heap)-1]
		}
		down(heap, 0)
	}
	return nil
}

func (r *runs) close() error {
	err := r.file.Close()
	os.Remove(r.file.Name())
	return err
}

// run is a sorted run that is read. Its key is the next one.
type run struct {
	keys *bufio.Reader
	key  uint64
}

func (r *run) advance() (bool, error) {
	var b [8]byte
	_, err := io.ReadFull(r.keys, b[8-keySize:])
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading a temporary file: %w", err)
	}
	r.key = binary.BigEndian.Uint64(b[:])
	return true, nil
}

// down restores the heap after a change at a position.
func down(heap []run, at int) {
	for {
		least := at
		for child := 2*at + 1; child <= 2*at+2 && child < len(heap); child++ {
			if heap[child].key < heap[least].key {
				least = child
			}
		}
		if least == at {
			return
		}
		heap[at], heap[least] = heap[least], heap[at]
		at = least
	}
}

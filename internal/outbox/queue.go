package outbox

import "container/heap"

// queue is a heap whose items know their place, so that one can be removed. The place is 0 outside the queue.
type queue[T any] struct {
	items []*T
	less  func(a, b *T) bool
	place func(*T) *int32
}

var _ heap.Interface = (*queue[int])(nil)

func (q *queue[T]) Len() int           { return len(q.items) }
func (q *queue[T]) Less(i, j int) bool { return q.less(q.items[i], q.items[j]) }

func (q *queue[T]) Swap(i, j int) {
	q.items[i], q.items[j] = q.items[j], q.items[i]
	*q.place(q.items[i]), *q.place(q.items[j]) = int32(i+1), int32(j+1)
}

// Push implements heap.Interface. Use set.
func (q *queue[T]) Push(x any) {
	q.items = append(q.items, x.(*T))
	*q.place(x.(*T)) = int32(len(q.items))
}

// Pop implements heap.Interface. Use remove.
func (q *queue[T]) Pop() any {
	last := len(q.items) - 1
	x := q.items[last]
	q.items[last], q.items = nil, q.items[:last]
	*q.place(x) = 0
	return x
}

// first returns the first item, or nil.
func (q *queue[T]) first() *T {
	if len(q.items) == 0 {
		return nil
	}
	return q.items[0]
}

// set adds an item, or moves it after its order changed.
func (q *queue[T]) set(x *T) {
	if at := *q.place(x); at > 0 {
		heap.Fix(q, int(at-1))
	} else {
		heap.Push(q, x)
	}
}

// remove removes an item, if it is there.
func (q *queue[T]) remove(x *T) {
	if at := *q.place(x); at > 0 {
		heap.Remove(q, int(at-1))
	}
}

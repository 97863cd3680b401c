// Package timerule corrects stored times that were written while the clock was wrong, by the tags of their fields (protocol rule 34). It
// does not know how a record is stored.
package timerule

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A stored time that is later than the present one was written while the clock was wrong, or it is a deadline. The fields of
// a record say which one (protocol rule 34):
//
//	time.Time                 an event: at most now
//	time.Time `ahead:"10m"`   a deadline: at most ten minutes from now
//	time.Time `since:"Made"`  a deadline: moves back with the event in the field Made of the same struct, so its distance
//	                          stays; several fields are separated by commas, and ahead may follow
//	time.Time `ahead:"any"`   kept as written
//
// A time more than a day ahead is kept as written, because the present clock may be the wrong one: that of a host that has just
// started can be years behind. The tag `within:"1h"` sets another limit, and `within:"any"` none.
const (
	aheadTag, sinceTag, withinTag = "ahead", "since", "within"
	anyValue                      = "any"
	defaultWithin                 = 24 * time.Hour
)

var timeType = reflect.TypeFor[time.Time]()

// deadlineName matches the names of fields that are deadlines.
var deadlineName = regexp.MustCompile(`Until|Expir|NotBefore|Deadline|^(Ends?|TAT)(At)?$`)

// Rule corrects the times in values of one type. A nil rule means that the type has none.
type Rule struct {
	ahead  time.Duration // of a time.Time
	within time.Duration // of a time.Time
	fields []fieldRule   // of a struct; those with since come last
	elem   *Rule         // of a pointer, slice or array
}

type fieldRule struct {
	Rule
	index int
	since []int // indexes of the events of a deadline
	kept  bool  // never corrected
}

// For returns the rule of a record type. It panics if a tag is invalid, or if a deadline by its name has none: the first
// reader would end it. Structs of other modules have no stored times.
func For(t reflect.Type) *Rule {
	switch {
	case t == timeType:
		return &Rule{within: defaultWithin}
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice, t.Kind() == reflect.Array:
		if elem := For(t.Elem()); elem != nil {
			return &Rule{elem: elem}
		}
	case t.Kind() == reflect.Map:
		if For(t.Elem()) != nil {
			panic(fmt.Sprintf("timerule: %s has times in a map", t))
		}
	case t.Kind() == reflect.Struct && (t.PkgPath() == "" || strings.HasPrefix(t.PkgPath(), "barillet/")):
		return structRule(t)
	}
	return nil
}

func structRule(t reflect.Type) *Rule {
	var events, deadlines []fieldRule
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() && !f.Anonymous {
			continue
		}
		rule := For(f.Type)
		if rule == nil {
			continue
		}
		field := fieldRule{Rule: *rule, index: i}
		if field.kept = f.Tag.Get(aheadTag) == anyValue; field.kept {
			events = append(events, field)
			continue
		}
		if ahead := f.Tag.Get(aheadTag); ahead != "" {
			field.ahead = tagDuration(t, f, aheadTag)
		} else if f.Type == timeType && f.Tag.Get(sinceTag) == "" && deadlineName.MatchString(f.Name) {
			panic(fmt.Sprintf("timerule: %s.%s is a deadline without a tag %s or %s", t, f.Name, aheadTag, sinceTag))
		}
		if within := f.Tag.Get(withinTag); within == anyValue {
			field.setWithin(math.MaxInt64)
		} else if within != "" {
			field.setWithin(tagDuration(t, f, withinTag))
		}
		if since := f.Tag.Get(sinceTag); since != "" {
			for name := range strings.SplitSeq(since, ",") {
				event, ok := t.FieldByName(name)
				if !ok || len(event.Index) != 1 || f.Type != timeType {
					panic(fmt.Sprintf("timerule: %s.%s has an invalid tag since:%q", t, f.Name, since))
				}
				field.since = append(field.since, event.Index[0])
			}
			deadlines = append(deadlines, field)
			continue
		}
		events = append(events, field)
	}
	if len(events)+len(deadlines) == 0 {
		return nil
	}
	return &Rule{fields: slices.Concat(events, deadlines)}
}

func tagDuration(t reflect.Type, f reflect.StructField, tag string) time.Duration {
	d, err := time.ParseDuration(f.Tag.Get(tag))
	if err != nil {
		panic(fmt.Sprintf("timerule: %s.%s has an invalid tag %s: %v", t, f.Name, tag, err))
	}
	return d
}

// setWithin sets the limit of a time or of the times in a slice.
func (r *Rule) setWithin(within time.Duration) {
	if r.within = within; r.elem != nil {
		r.elem.setWithin(within)
	}
}

// Correct corrects the times in v, which is addressable. It returns the largest correction; 0 means that there was none.
func (r *Rule) Correct(v reflect.Value, now time.Time) time.Duration {
	var most time.Duration
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			most = r.elem.Correct(v.Elem(), now)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			most = max(most, r.elem.Correct(v.Index(i), now))
		}
	case reflect.Struct:
		if v.Type() == timeType {
			by := v.Addr().Interface().(*time.Time).Sub(now)
			if by > r.within {
				return 0
			}
			return moveBack(v, by-r.ahead)
		}
		var by map[int]time.Duration // by index; nil while every time is right
		for i := range r.fields {
			f := &r.fields[i]
			if f.kept {
				continue
			}
			field, moved := v.Field(f.index), time.Duration(0)
			for _, event := range f.since {
				moved = max(moved, by[event])
			}
			if f.since != nil {
				moved = moveBack(field, moved)
			}
			if f.since == nil || f.ahead > 0 {
				moved += f.Correct(field, now)
			}
			if moved > 0 {
				if by == nil {
					by = map[int]time.Duration{}
				}
				by[f.index] = moved
				most = max(most, moved)
			}
		}
	}
	return most
}

// moveBack makes a time earlier. It leaves the zero time, which means none. It returns by, or 0 if nothing changed.
func moveBack(v reflect.Value, by time.Duration) time.Duration {
	t := v.Addr().Interface().(*time.Time)
	if by <= 0 || t.IsZero() {
		return 0
	}
	*t = t.Add(-by)
	return by
}

// IsAhead reports whether v has a time that correct leaves because it is too far ahead.
func (r *Rule) IsAhead(v reflect.Value, now time.Time) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && r.elem.IsAhead(v.Elem(), now)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if r.elem.IsAhead(v.Index(i), now) {
				return true
			}
		}
	case reflect.Struct:
		if v.Type() == timeType {
			return v.Addr().Interface().(*time.Time).Sub(now) > r.within
		}
		for i := range r.fields {
			if f := &r.fields[i]; !f.kept && (f.since == nil || f.ahead > 0) && f.IsAhead(v.Field(f.index), now) {
				return true
			}
		}
	}
	return false
}

// Round gives each decoded time in v, which is addressable, the microsecond that was encoded, in UTC.
func (r *Rule) Round(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			r.elem.Round(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			r.elem.Round(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == timeType {
			if t := v.Addr().Interface().(*time.Time); !t.IsZero() {
				*t = t.Round(time.Microsecond).UTC()
			}
			return
		}
		for i := range r.fields {
			r.fields[i].Round(v.Field(r.fields[i].index))
		}
	}
}

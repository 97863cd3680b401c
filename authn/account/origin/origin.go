// Package origin owns two lists in the record of a user: the administrators on whom the account rests, and the groups that it joined
// in the last days. The rules about a witness compare them (protocol rule 9). An empty list means that no administrator
// acted on the account, and that its memberships are old.
package origin

import (
	"slices"
	"strings"
	"time"
)

// Age is the age from which a membership, a role, a device or an account counts.
const Age = 72 * time.Hour

// maxSponsors is how many administrators a record keeps. The oldest one is dropped.
const maxSponsors = 16

// Sponsor is an administrator on whom an account rests: who created, reset or unsuspended it, wrote its address, chose its password, enrolled a
// device, saw a link of it, or gave it a group or a role.
type Sponsor struct {
	By string    `cbor:"1,keyasint"` // owner of the principal, never the operator
	At time.Time `cbor:"2,keyasint"` // the last time
}

// Sponsors lists the administrators on whom an account rests, the last one at the end.
type Sponsors []Sponsor

// Add returns the list with an operation of an owner at now. The operator and the service are not counted (protocol rule 8).
func (s Sponsors) Add(by string, now time.Time) Sponsors {
	if by == "" || strings.HasPrefix(by, "operator:") {
		return s
	}
	out := slices.DeleteFunc(slices.Clone(s), func(x Sponsor) bool { return x.By == by })
	out = append(out, Sponsor{by, now})
	return out[max(len(out)-maxSponsors, 0):]
}

// Has reports whether the list has an owner.
func (s Sponsors) Has(by string) bool {
	return slices.ContainsFunc(s, func(x Sponsor) bool { return x.By == by })
}

// maxLine is how many accounts Related reads for one owner.
const maxLine = 64

// Related reports whether two owners do not count as two: one account rests on the other since a time, or both on a third, directly or
// through accounts that rest on others. of returns the list of an owner. An owner with more than maxLine accounts behind it is related to all.
func Related(a, b string, since time.Time, of func(owner string) (Sponsors, error)) (bool, error) {
	first, err := line(a, since, of)
	if err != nil {
		return false, err
	}
	second, err := line(b, since, of)
	return len(first) > maxLine || len(second) > maxLine || slices.ContainsFunc(first, func(x string) bool { return slices.Contains(second, x) }), err
}

// line returns an owner, and those on whom the account rests.
func line(owner string, since time.Time, of func(string) (Sponsors, error)) ([]string, error) {
	all := []string{owner}
	for i := 0; i < len(all) && len(all) <= maxLine; i++ {
		sponsors, err := of(all[i])
		if err != nil {
			return nil, err
		}
		for _, x := range sponsors {
			if !x.At.Before(since) && !slices.Contains(all, x.By) {
				all = append(all, x.By)
			}
		}
	}
	return all, nil
}

// Join is a membership that is younger than Age.
type Join struct {
	Group string    `cbor:"1,keyasint"`
	At    time.Time `cbor:"2,keyasint"`
}

// Joins lists the young memberships of a user.
type Joins []Join

// Add returns the list with a group that the user joined at now, without those that are old by then.
func (j Joins) Add(group string, now time.Time) Joins {
	out := slices.DeleteFunc(slices.Clone(j), func(x Join) bool { return x.Group == group || !now.Before(x.At.Add(Age)) })
	return append(out, Join{group, now})
}

// Young reports whether the user joined the group less than Age ago.
func (j Joins) Young(group string, now time.Time) bool {
	return slices.ContainsFunc(j, func(x Join) bool { return x.Group == group && now.Before(x.At.Add(Age)) })
}

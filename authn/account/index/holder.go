package index

import (
	"slices"
	"strconv"
	"strings"
)

// The scopes of the index of role holders that are not a group.
const (
	ScopeAll  = "all"  // a role for all users
	ScopeMany = "many" // roles that are limited to more groups than maxHolderGroups
)

// maxHolderGroups is the maximum number of groups of one user that are scopes of their own. An Update may touch 96 keys, and
// the deletion of a user leaves room for these.
const maxHolderGroups = 12

// Role is the rank of a role, and the groups that it is limited to; none means all users.
type Role struct {
	Rank   int
	Groups []string
}

// HolderKeys returns the entries of the roles of a user: one for each scope, "<scope>/<highest rank>/<user>".
func HolderKeys(id string, roles []Role) []string {
	if len(roles) == 0 {
		return nil
	}
	ranks, limited := map[string]int{}, 0
	for _, r := range roles {
		if len(r.Groups) == 0 {
			ranks[ScopeAll] = max(ranks[ScopeAll], r.Rank)
			continue
		}
		limited = max(limited, r.Rank)
		for _, g := range r.Groups {
			ranks[g] = max(ranks[g], r.Rank)
		}
	}
	all, unlimited := ranks[ScopeAll]
	if delete(ranks, ScopeAll); len(ranks) > maxHolderGroups {
		ranks = map[string]int{ScopeMany: limited}
	}
	if unlimited {
		ranks[ScopeAll] = all
	}
	keys := make([]string, 0, len(ranks))
	for scope, rank := range ranks {
		keys = append(keys, HolderPrefix(scope, rank)+id)
	}
	slices.Sort(keys)
	return keys
}

// HolderPrefix returns the start of the entries of a scope and a rank.
func HolderPrefix(scope string, rank int) string { return scope + "/" + strconv.Itoa(rank) + "/" }

// Holder returns the rank and the user of an entry.
func Holder(key string) (rank int, id string) {
	parts := strings.Split(key, "/")
	if len(parts) != 3 {
		return 0, ""
	}
	rank, _ = strconv.Atoi(parts[1])
	return rank, parts[2]
}

// HasRank reports whether one of the entries has this rank or a higher one.
func HasRank(keys []string, rank int) bool {
	return slices.ContainsFunc(keys, func(key string) bool { has, _ := Holder(key); return has >= rank })
}

package password

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// blocklist/README.md says where the lists come from and how they were made.
var (
	//go:embed blocklist/common.txt.gz
	blockedCommon []byte
	//go:embed blocklist/french.txt
	blockedFrench string
)

// maxAroundCommon is how many digits and signs around a common password still leave it common: "Soleil2026!".
const maxAroundCommon = 6

// blocklist is every blocked password in one sorted text, each between line ends: 400 KB and no pointers, where
// a map would be several MB and 50,000 objects for the collector.
var blocklist = sync.OnceValue(func() string {
	words := strings.Fields(blockedFrench)
	unpack, err := gzip.NewReader(bytes.NewReader(blockedCommon))
	if err != nil {
		panic(fmt.Sprintf("authn: embedded blocklist: %v", err)) // a build of this program that never worked
	}
	common, err := io.ReadAll(unpack)
	if err != nil {
		panic(fmt.Sprintf("authn: embedded blocklist: %v", err))
	}
	words = append(words, strings.Fields(string(common))...)
	slices.Sort(words)
	return "\n" + strings.Join(slices.Compact(words), "\n") + "\n"
})

// isCommon tells whether a folded password is on the blocklist, or is one of it with a few digits and signs
// around.
func isCommon(folded string) bool {
	list := blocklist()
	if contains(list, folded) {
		return true
	}
	core, around := coreOf(folded)
	return around <= maxAroundCommon && len(core) >= minWord && contains(list, core)
}

// contains searches a list for a word, without allocating.
func contains(list, word string) bool {
	low, high := 0, len(list)-1 // both at line ends; the word is between them if anywhere
	for high-low > 1 {
		middle := strings.LastIndexByte(list[:(low+high)/2+1], '\n')
		if middle <= low { // the first half holds no line end but low: look at the word after it
			middle = low
		}
		end := middle + 1 + strings.IndexByte(list[middle+1:], '\n')
		switch strings.Compare(word, list[middle+1:end]) {
		case 0:
			return true
		case 1:
			low = end
		default:
			high = middle
		}
	}
	return false
}

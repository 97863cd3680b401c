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

// blocklist/README.md describes the sources of the lists.
var (
	//go:embed blocklist/common.txt.gz
	blockedCommon []byte
	//go:embed blocklist/french.txt
	blockedFrench string
)

// maxAroundCommon is the maximum number of digits and signs around a common password that leave it common, as in "Soleil2026!".
const maxAroundCommon = 6

// blocklist returns all blocked passwords as one sorted text, each between line ends. The text has 400 KB and no pointers; a map
// would have several MB and 50,000 objects for the garbage collector.
var blocklist = sync.OnceValue(func() string {
	words := strings.Fields(blockedFrench)
	unpack, err := gzip.NewReader(bytes.NewReader(blockedCommon))
	if err != nil {
		panic(fmt.Sprintf("password: embedded blocklist: %v", err)) // a fault of the build
	}
	common, err := io.ReadAll(unpack)
	if err != nil {
		panic(fmt.Sprintf("password: embedded blocklist: %v", err))
	}
	words = append(words, strings.Fields(string(common))...)
	slices.Sort(words)
	return "\n" + strings.Join(slices.Compact(words), "\n") + "\n"
})

// isCommon reports whether a folded password is on the blocklist, also with a few digits and signs around it.
func isCommon(folded string) bool {
	list := blocklist()
	if contains(list, folded) {
		return true
	}
	core, around := coreOf(folded)
	return around <= maxAroundCommon && len(core) >= minWord && contains(list, core)
}

// contains reports whether a sorted list contains a word. It does not allocate.
func contains(list, word string) bool {
	low, high := 0, len(list)-1 // both are line ends; a match is between them
	for high-low > 1 {
		middle := strings.LastIndexByte(list[:(low+high)/2+1], '\n')
		if middle <= low { // no other line end in the first half
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

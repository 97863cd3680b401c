package barillet_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/images/packages.svg instead of comparing with it")

const (
	pictureFile  = "docs/images/packages.svg"
	pictureWidth = 1120
	labelWidth   = 76 // of the column with the level
	boxHeight    = 28
	boxGap       = 12
	lineGap      = 14 // between two lines of boxes of one level
	levelGap     = 42 // between two levels
)

// areaColours are the fills of the boxes, by the first element of the path.
var areaColours = map[string]string{
	"cmd": "#d9d9d9", "web": "#bcd8f5", "oidc": "#d8c8f0", "authn": "#bfe5c8", "factors": "#f7dcae",
	"store": "#f5c3bd", "templates": "#cfe9ec", "static": "#cfe9ec", "internal": "#ece6c4",
}

// TestArchitecturePicture compares the picture in docs/architecture.md with the imports of the program. After a change
// of imports, run: go test . -run TestArchitecturePicture -update
func TestArchitecturePicture(t *testing.T) {
	imports := programImports(t)
	got := drawPackages(imports, levelsOf(imports))
	if *update {
		if err := os.WriteFile(pictureFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(pictureFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s does not show today's imports; run: go test . -run TestArchitecturePicture -update", pictureFile)
	}
}

// programImports returns the packages of this module that cmd/barillet is built from, each with its direct imports
// of this module. Paths are relative to the module.
func programImports(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, s := range readSources(t) {
		for target := range s.imports() {
			own, is := strings.CutPrefix(target, "barillet/")
			if is && !s.test && !slices.Contains(all[s.pkg], own) {
				all[s.pkg] = append(all[s.pkg], own)
			}
		}
	}
	imports, queue := map[string][]string{}, []string{"cmd/barillet"}
	for len(queue) > 0 {
		name := queue[0]
		queue = append(queue[1:], all[name]...)
		slices.Sort(all[name])
		imports[name] = all[name]
	}
	return imports
}

// levelsOf returns the packages of each level, the lowest level first. The level of a package is the length of the
// longest chain of imports below it.
func levelsOf(imports map[string][]string) [][]string {
	known := map[string]int{}
	var levelOf func(name string) int
	levelOf = func(name string) int {
		level, is := known[name]
		if !is {
			for _, below := range imports[name] {
				level = max(level, levelOf(below)+1)
			}
			known[name] = level
		}
		return level
	}
	var levels [][]string
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		level := levelOf(name)
		for len(levels) <= level {
			levels = append(levels, nil)
		}
		levels[level] = append(levels[level], name)
	}
	return levels
}

// box is the rectangle of a package in the picture.
type box struct{ x, y, width int }

// placeBoxes returns the box of each package, the top of each level by number, and the height of the picture.
// The highest level is at the top.
func placeBoxes(levels [][]string) (boxes map[string]box, tops []int, height int) {
	boxes, tops = map[string]box{}, make([]int, len(levels))
	y := boxGap
	for level, names := range slices.Backward(levels) {
		tops[level] = y
		for i, line := range linesOf(names) {
			if i > 0 {
				y += boxHeight + lineGap
			}
			total := -boxGap
			for _, name := range line {
				total += widthOf(name) + boxGap
			}
			x := labelWidth + (pictureWidth-labelWidth-total)/2
			for _, name := range line {
				boxes[name] = box{x: x, y: y, width: widthOf(name)}
				x += widthOf(name) + boxGap
			}
		}
		y += boxHeight + levelGap
	}
	return boxes, tops, y - levelGap + boxGap
}

// linesOf divides the packages of one level into lines that fit into the picture.
func linesOf(names []string) [][]string {
	var lines [][]string
	room := 0
	for _, name := range names {
		if room -= widthOf(name) + boxGap; len(lines) == 0 || room < 0 {
			lines = append(lines, nil)
			room = pictureWidth - labelWidth - 2*boxGap - widthOf(name)
		}
		lines[len(lines)-1] = append(lines[len(lines)-1], name)
	}
	return lines
}

func widthOf(name string) int { return 8*len(name) + 18 }

// closure returns all packages that each package imports, directly or not.
func closure(imports map[string][]string, levels [][]string) map[string]map[string]bool {
	below := map[string]map[string]bool{}
	for _, names := range levels {
		for _, name := range names {
			below[name] = map[string]bool{}
			for _, direct := range imports[name] {
				below[name][direct] = true
				maps.Copy(below[name], below[direct])
			}
		}
	}
	return below
}

// drawPackages returns the picture. A line leads to each import that no other import reaches; the title of a box has
// all imports.
func drawPackages(imports map[string][]string, levels [][]string) []byte {
	boxes, tops, height := placeBoxes(levels)
	reached := closure(imports, levels)
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="13">`+"\n", pictureWidth, height)
	out.WriteString("<title>The packages of Barillet by level. An import leads to a lower level.</title>\n")
	for level, top := range slices.Backward(tops) {
		fmt.Fprintf(&out, `<text x="12" y="%d" fill="#808080">level %d</text>`+"\n", top+19, level)
	}
	out.WriteString(`<g fill="none" stroke="#808080" stroke-width="1" stroke-opacity="0.6">` + "\n")
	names := slices.Sorted(maps.Keys(imports))
	for _, name := range names {
		from := boxes[name]
		for _, below := range imports[name] {
			if slices.ContainsFunc(imports[name], func(other string) bool { return reached[other][below] }) {
				continue
			}
			to := boxes[below]
			x1, y1, x2, y2 := from.x+from.width/2, from.y+boxHeight, to.x+to.width/2, to.y
			fmt.Fprintf(&out, `<path d="M%d %dC%d %d %d %d %d %d"/>`+"\n", x1, y1, x1, y1+levelGap-4, x2, y2-levelGap+4, x2, y2)
		}
	}
	out.WriteString("</g>\n" + `<g stroke="#606060" fill="#1c1c1c">` + "\n")
	for _, name := range names {
		b := boxes[name]
		area, _, _ := strings.Cut(name, "/")
		uses := strings.Join(imports[name], ", ")
		if uses == "" {
			uses = "no other package"
		}
		fmt.Fprintf(&out, `<g><title>%s imports %s</title><rect x="%d" y="%d" width="%d" height="%d" rx="5" fill="%s"/><text x="%d" y="%d" stroke="none" text-anchor="middle">%s</text></g>`+"\n",
			name, uses, b.x, b.y, b.width, boxHeight, areaColours[area], b.x+b.width/2, b.y+19, name)
	}
	out.WriteString("</g>\n</svg>\n")
	return out.Bytes()
}

package manage

// progress prints a line at each tenth of a long operation.
type progress struct {
	m    *CLI
	verb string
	all  int
	done int
}

// minProgress is the least number of items for which progress is printed.
const minProgress = 500

func (p *progress) add(n int) {
	before := p.done
	p.done += n
	if p.all >= minProgress && 10*p.done/p.all > 10*before/p.all {
		p.m.Note("%s %d of %d", p.verb, p.done, p.all)
	}
}

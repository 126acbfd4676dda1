/** Comparisons of methods: what is run, what came of it, and what others published. */
package io.flipout.cli.comparison;

/**
 * Comparisons of methods: what is run, in processes of their own, what came of it, and what others
 * published. Knows {@code run} and {@code terminal}; never a report or a method.
 */
package io.flipout.cli.comparison;

/** The command line: train, prune, evaluate, inspect and measure from a terminal. */
package io.flipout.cli;

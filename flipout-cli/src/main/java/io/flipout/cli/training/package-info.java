/**
 * A training of the command line from its options to its end: trains, follows, saves, reacts to
 * signals. Above {@code run}, {@code network}, {@code method} and {@code option}; only commands use
 * it.
 */
package io.flipout.cli.training;

/**
 * What a network computes, as a graph of few kinds of immutable nodes, and passes that make it
 * smaller: each takes a graph and returns one that computes the same.
 */
package io.flipout.graph;

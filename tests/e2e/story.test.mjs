// The story of the README, step by step: see fixtures/story/story.mjs.
import {kStory} from '../../fixtures/story/story.mjs';
import {suite} from './suite.mjs';

suite(kStory.map(({chapter, title, run}) => [`${chapter}. ${title}`, run]), {ready: () => {}, essential: kStory.filter(({chapter}) => chapter <= 3).length});

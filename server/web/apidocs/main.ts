import { byId, element } from '../shared/dom.ts';

byId('main').append(element('h1', {}, 'API'));
